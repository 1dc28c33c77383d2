"""The command line: what it takes, and how it says no."""

from pathlib import Path

import pytest

from worker.cli import main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"    {name} " in said for name in ("up", "demo", "generate", "bench"))


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["up", "--data-dir", str(tmp_path), "--prot", "80"])
    assert "--prot" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["up", "--workers", "0", "--data-dir", "DIR"], "--workers must be at least 1"),
        (["generate", "a cat", "--seconds", "0", "--out", "DIR/a.mp4"], "--seconds must be"),
        (["generate", "a cat", "--seconds", "nan", "--out", "DIR/a.mp4"], "--seconds must be"),
        (["generate", "a cat", "--model", "huge", "--out", "DIR/a.mp4"], "unknown model 'huge'"),
        (["generate", "a cat", "--image", "DIR/none.png", "--out", "DIR/a.mp4"], "--image: "),
        (["generate", "  ", "--out", "DIR/a.mp4"], "the prompt is empty"),
    ],
)
def test_bad_arguments_end_with_one_line(
    argv: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.replace("DIR", str(tmp_path)) for word in argv]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"magic141 {argv[0]}: ")
    assert reason in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())
