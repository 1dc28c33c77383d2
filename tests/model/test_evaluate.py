"""The evaluation's command, with as little to do as it takes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.dtype import working_dtype
from model.evaluate.drift import anchor
from model.evaluate.films import film
from tests.tiny import build_engine


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_an_anchored_film_is_told_of_its_first_picture_in_every_window() -> None:
    engine = build_engine()
    one, other = (np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8) for seed in (1, 2))
    count = 1 + 2 * engine.config.window_frames
    plain = film(engine, one, "pan left", 0, count)
    anchor(engine)
    first = film(engine, one, "pan left", 0, count)
    size = 1 + engine.config.window_frames
    assert np.array_equal(first[:size], plain[:size])
    assert not np.array_equal(first[size:], plain[size:])
    assert not np.array_equal(film(engine, other, "pan left", 0, count)[size:], first[size:])
    assert np.array_equal(film(engine, one, "pan left", 0, count), first)  # no film knows another


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_writes_json_that_others_can_read(tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    argv = ["--steps", "1", "--clips", "3", "--seeds", "0", "--pictures", "1", "--prompts", "2"]
    argv += ["--objects", "2", "--drift-seconds", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "model.evaluate", *argv, "--json", str(written)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(written.read_text(), parse_constant=refuse)
    assert report["model"]["video_steps"] == 1
    assert set(report["first_frame_psnr_db"].values()) == {60.0}  # frame 0 is the picture itself
    assert all(10 < value < 60 for value in report["second_frame_psnr_db"].values())
    assert all(value > 0 for value in report["flicker_of_a_still"].values())
    found = report["held_out"]
    assert found["clips"] == 3
    assert 10 < found["psnr_db"] < 60
    assert found["frechet"] > 0
    assert found["dynamic_degree"] > 0
    assert "motion_photographs" not in report
    assert report["cost"]["stored_bytes"] > 1e6
    wider = working_dtype(torch.device("cpu")).itemsize / torch.bfloat16.itemsize  # stored in bfloat16
    assert report["cost"]["held_bytes"] == pytest.approx(wider * report["cost"]["stored_bytes"], rel=0.02)
    for asked in ("motion_objects", "motion_objects_by_people"):
        assert report[asked]["films"] == 2
        assert 0 <= report[asked]["all"] <= 1
    assert report["text_to_video"]["prompts"] == 2
    assert 0 <= report["text_to_video"]["both"] <= report["text_to_video"]["picture"] <= 1
    assert all(len(curve["sharpness"]) == 2 for curve in report["drift"]["curves"].values())
    assert all(curve["colour_shift"][0] == 0 for curve in report["drift"]["curves"].values())
