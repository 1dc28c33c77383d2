"""The whole training chain at its smallest, from nothing to an engine; it learns nothing, but every part is
the real one."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.load import load_engine
from model.windows import Shot


def train(stage: str, out: Path) -> str:
    argv = [sys.executable, "-m", "model.train", stage, "--scale", "smoke", "--out", str(out)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.mark.slow
def test_train_all_then_load_then_generate(tmp_path: Path) -> None:
    said = train("all", tmp_path)
    assert "autoencoder: 100%" in said
    assert "dit: 100%" in said
    rows = list(csv.reader((tmp_path / "dit" / "curve.csv").read_text().splitlines()))
    assert all(np.isfinite(float(value)) for row in rows for value in row)
    engine = load_engine(tmp_path)
    windows = list(
        engine.generate([Shot("pan left", 1.0)], engine.paint("a red circle", seed=1), num_frames=26, seed=1)
    )
    assert [len(window.frames) for window in windows] == [25, 1]
    again = train("dit", tmp_path)  # its checkpoint is at the last step: nothing is left to do
    assert "dit: 100%" in again
    assert "6/6" in again
