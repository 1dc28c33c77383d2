"""The presets the API reads are those the engine has."""

from pathlib import Path

import pytest

from model.config import EngineConfig
from model.presets import PRESETS
from model.windows import plan_windows
from worker.contract.models import MODELS, windows_total

WEIGHTS = Path(__file__).parents[2] / "model" / "weights"


def engine_config(name: str) -> EngineConfig:
    folder = WEIGHTS / name
    return EngineConfig.load(folder) if (folder / "engine.json").exists() else PRESETS[name].config


@pytest.mark.parametrize("name", MODELS)
def test_the_engine_agrees(name: str) -> None:
    info, config = MODELS[name], engine_config(name)
    assert info.sizes[0] == f"{config.width}x{config.height}"
    assert (info.fps, info.steps, info.window_frames) == (
        config.fps,
        config.video_steps,
        config.window_frames,
    )
    for num_frames in (1, 24, 25, 26, 48, 49, 50, 480, 1440, 2880):
        plans = plan_windows(num_frames, config)
        assert windows_total(num_frames, name) == len(plans)
        if num_frames >= info.first_window_frames:
            assert plans[0].num_frames == info.first_window_frames
