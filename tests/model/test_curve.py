"""The curve of a training that is stopped, gone on with, and later learns from more than one thing."""

import csv
from pathlib import Path

import pytest
import torch

from model.train.curve import Curve


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_comes_later_gets_a_column(tmp_path: Path) -> None:
    path = tmp_path / "run" / "curve.csv"
    curve = Curve(path)
    for step in range(31):
        curve.note("video", torch.tensor(2.0))
        if step > 10:
            curve.note("image", torch.tensor(5.0))
        curve.write(step, minutes=step / 2, lr=1e-3)
    rows = rows_of(path)
    assert list(rows[0]) == ["step", "minutes", "lr", "video", "image"]
    assert [row["step"] for row in rows] == ["0", "10", "20", "30"]
    assert [row["image"] for row in rows] == ["", "", "5.00000", "5.00000"]
    assert {row["video"] for row in rows} == {"2.00000"}


def test_a_run_that_goes_on_adds_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    for start in (0, 20):
        curve = Curve(path)
        for step in range(start, start + 20):
            curve.note("video", torch.tensor(float(start)))
            curve.write(step, minutes=0.0, lr=1e-3)
    assert [(row["step"], float(row["video"])) for row in rows_of(path)] == [
        ("0", 0), ("10", 0), ("20", 20), ("30", 20)
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    """Rows that are longer than the header, as an earlier version wrote them."""
    path = tmp_path / "curve.csv"
    path.write_text(before := "step,minutes,lr,video\n0,0.00,1e-3,0.5\n10,0.10,1e-3,0.4,0.9\n")
    curve = Curve(path)
    curve.note("image", torch.tensor(1.0))
    with pytest.raises(ValueError, match="fieldnames"):
        curve.write(20, minutes=0.2, lr=1e-3)
    assert path.read_text() == before


def test_it_is_a_running_mean(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    curve = Curve(path)
    for step in range(11):
        curve.note("loss", torch.tensor(1.0 if step == 0 else 2.0))
        shown = curve.write(step, minutes=0.0, lr=1e-3)
    assert float(rows_of(path)[1]["loss"]) == pytest.approx(2 - 0.98**10, abs=1e-5)
    assert shown == {"loss": f"{2 - 0.98**10:.4f}", "lr": "1.0e-03"}
