"""Previews of the large families, on tiny weights: their own autoencoder's latents, at every step."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from model import preview
from model.load import load_engine, make_preview
from model.windows import Shot
from tests.model.families.conftest import PICTURE


@pytest.mark.parametrize(
    ("name", "weights"), [("magic141", "hunyuan_folder"), ("wan2.1-i2v-4step", "wan_folder")]
)
def test_every_step_is_shown(
    name: str,
    weights: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preview, "VIDEOS", 2)
    folder = tmp_path / "weights"
    shutil.copytree(request.getfixturevalue(weights), folder)
    make_preview(name, folder)
    engine = load_engine(name, folder, dtype=torch.float32)
    seen: list[np.ndarray] = []
    shots, count = [Shot("a red circle", 9.0)], engine.config.window_frames + 1
    windows = engine.generate(
        shots, PICTURE, num_frames=count, seed=1, watch=lambda window, frames: seen.append(frames)
    )
    assert next(windows).frames.shape == (count, 64, 64, 3)
    assert [frames.shape for frames in seen] == [(count, 8, 8, 3)] * engine.config.video_steps
    plain = load_engine(name, request.getfixturevalue(weights), dtype=torch.float32)
    assert plain.preview is None
