"""Plots: every number of a curve and every measure of a drift gets its panel, every file its line."""

import json
import sys
from pathlib import Path

import pytest

from model import plots


def drawn(monkeypatch: pytest.MonkeyPatch, *argv: str) -> str:
    monkeypatch.setattr(sys, "argv", ["plots", *argv])
    plots.main()
    return Path(argv[-1]).read_text()


def test_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(
            "step,minutes,lr,video,image\n0,0.1,1e-4,0.5,0.9\n10,1,1e-4,0.4,0.8\n"
        )
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    ((video, _, lines), (image, _, _)) = plots.curves(files)
    assert (video, image) == ("video", "image")
    assert lines == [("one", [0.0, 10.0], [0.5, 0.4]), ("two", [0.0, 10.0], [0.5, 0.4])]
    picture = drawn(monkeypatch, "curve", *map(str, files), "--out", str(tmp_path / "curves.svg"))
    assert "<!-- two -->" in picture
    assert "<!-- image -->" in picture


def test_what_is_learned_later_has_a_line_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "curve.csv"
    file.write_text("step,minutes,lr,video,image\n0,0.1,1e-4,0.5,\n10,1,1e-4,0.4,0.8\n")
    lines = {name: line for name, _, (line,) in plots.curves([file])}
    assert lines["video"][1:] == ([0.0, 10.0], [0.5, 0.4])
    assert lines["image"][1:] == ([10.0], [0.8])


def test_drift_is_the_mean_of_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"sharpness": [1.0, 0.5], "colour_shift": [0.0, 10.0], "flow": [2.0, 1.0]}
    two = {"sharpness": [1.0, 0.7], "colour_shift": [0.0, 30.0], "flow": [2.0, 2.0]}
    file = tmp_path / "mini.json"
    file.write_text(json.dumps({"drift": {"curves": {"a": one, "b": two}}}))
    panels = plots.drifts([file])
    assert [lines[0][2] for _, _, lines in panels] == [[1.0, 0.6], [0.0, 20.0], [2.0, 1.5]]
    assert "<!-- mini -->" in drawn(monkeypatch, "drift", str(file), "--out", str(tmp_path / "drift.svg"))


def test_seeds_of_an_arm_are_one_line_in_a_band(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        "arm,seed,step,motion",
        "a,1,0,0.5",
        "a,1,20,0.7",
        "a,2,0,0.3",
        "a,2,20,0.9",
        "b,1,0,0.1",
        "b,1,20,0.2",
    ]
    file = tmp_path / "runs.csv"
    file.write_text("\n".join(rows))
    ((title, _, lines),) = plots.seeds([file])
    assert title == "motion"
    assert lines == [("a", [0, 20], [0.5, 0.7]), ("a", [0, 20], [0.3, 0.9]), ("b", [0, 20], [0.1, 0.2])]
    picture = drawn(monkeypatch, "seeds", str(file), "--out", str(tmp_path / "seeds.svg"))
    assert picture.count("FillBetweenPolyCollection") == 2  # one an arm
    assert "<!-- a -->" in picture
    assert "<!-- b -->" in picture
