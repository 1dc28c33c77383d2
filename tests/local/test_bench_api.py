"""`magic141 bench api`, small: it runs, and says what it says it says. What it measures is this machine's."""

import json

import pytest

from worker.cli import main


def test_it_measures_and_tells(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--rounds", "1", "--seconds", "0.3", "--connections", "2", "--streams", "150", "--no-render"]
    assert main(["bench", "api", "--json", *small]) == 0
    report = json.loads(capsys.readouterr().out)
    for name in ("create", "poll"):
        arm = report[name]
        assert set(arm) == {"per_second", "empty_per_second", "ratios", "ratio_median"}
        assert len(arm["ratios"]) == 1
        assert min(arm["per_second"], arm["empty_per_second"], arm["ratio_median"]) > 0
    assert report["streams"]["open"] == 150
    assert 0 < report["streams"]["resident_mib"] < 300
    assert report["poll_while_rendering"] is None
