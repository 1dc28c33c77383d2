import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from model.config import EngineConfig
from model.denoiser import with_context
from model.engine import Engine, Window
from model.image import fit
from model.windows import Shot

PICTURE = np.random.default_rng(0).integers(0, 255, (80, 64, 3), dtype=np.uint8)
SHOTS = (Shot("a red circle on a blue background, the camera pans left", 3.0),)


def film(engine: Engine, *, seed: int = 1, shots=SHOTS, picture=PICTURE, **more) -> list[Window]:
    return list(engine.generate(shots, picture, num_frames=60, seed=seed, **more))


def frames(windows: list[Window]) -> np.ndarray:
    return np.concatenate([window.frames for window in windows])


def test_windows_join_to_the_asked_frames(tiny_engine: Engine) -> None:
    windows = film(tiny_engine)
    assert [w.index for w in windows] == [0, 1, 2]
    assert [w.start_frame for w in windows] == [0, 25, 49]
    assert frames(windows).shape == (60, 64, 64, 3)
    assert frames(windows).dtype == np.uint8


def test_a_seed_repeats_and_another_seed_picture_or_prompt_differs(tiny_engine: Engine) -> None:
    base = frames(film(tiny_engine))
    assert np.array_equal(base, frames(film(tiny_engine)))
    assert not np.array_equal(base, frames(film(tiny_engine, seed=2)))
    assert not np.array_equal(base, frames(film(tiny_engine, picture=255 - PICTURE)))
    assert not np.array_equal(base, frames(film(tiny_engine, shots=(Shot("a green star", 3.0),))))


@pytest.mark.parametrize("kept", [0, 1])
def test_going_on_from_a_window_gives_the_uninterrupted_frames(tiny_engine: Engine, kept: int) -> None:
    whole = film(tiny_engine)
    rest = film(tiny_engine, start_window=kept + 1, state=whole[kept].state)
    assert np.array_equal(frames(rest), frames(whole[kept + 1 :]))


def test_the_first_frame_is_the_picture(tiny_engine: Engine) -> None:
    assert np.array_equal(film(tiny_engine)[0].frames[0], fit(PICTURE, 64, 64))


def test_shots_share_the_windows_before_they_part(tiny_engine: Engine) -> None:
    one = film(tiny_engine, shots=(Shot("pan left", 1.0), Shot("pan left", 2.0)))
    two = film(tiny_engine, shots=(Shot("pan left", 1.0), Shot("zoom in", 2.0)))
    assert np.array_equal(one[0].frames, two[0].frames)
    assert not np.array_equal(one[1].frames, two[1].frames)


def test_state_and_start_go_together(tiny_engine: Engine) -> None:
    with pytest.raises(ValueError, match="needs state"):
        film(tiny_engine, start_window=1)
    with pytest.raises(ValueError, match="takes no state"):
        film(tiny_engine, state={"context": torch.zeros(1)})
    with pytest.raises(ValueError, match="outside"):
        film(tiny_engine, start_window=9, state={"context": torch.zeros(1)})


@pytest.mark.parametrize("wanted", range(6))
def test_after_check_raises_nothing_more_is_computed(
    tiny_engine: Engine, monkeypatch: pytest.MonkeyPatch, wanted: int
) -> None:
    """Whatever is asked for during forward `wanted` is heeded before another forward or window."""
    forwards, asked = [], threading.Event()
    forward = tiny_engine.transformer.forward

    def counted(*args: object, **named: object) -> object:
        forwards.append(1)
        if len(forwards) == wanted + 1:
            asked.set()
        return forward(*args, **named)

    def check() -> None:
        if asked.is_set():
            raise InterruptedError("stop")

    monkeypatch.setattr(tiny_engine.transformer, "forward", counted)
    windows = tiny_engine.generate(SHOTS, PICTURE, num_frames=75, seed=1, check=check)
    seen = []
    with pytest.raises(InterruptedError):
        seen.extend(window.index for window in windows)
    assert len(forwards) == wanted + 1
    assert len(seen) <= wanted // tiny_engine.config.video_steps


def test_a_config_is_what_was_saved(tmp_path: Path) -> None:
    config = EngineConfig(
        "some", keeps_look=True, to_camera=("pan left",), to_things=("it grows", "it falls")
    )
    config.save(tmp_path)
    assert EngineConfig.load(tmp_path) == config


def test_painting_repeats(tiny_engine: Engine) -> None:
    picture = tiny_engine.paint("a red circle", seed=3)
    assert picture.shape == (64, 64, 3)
    assert np.array_equal(picture, tiny_engine.paint("a red circle", seed=3))
    assert not np.array_equal(picture, tiny_engine.paint("a red circle", seed=4))
    assert not np.array_equal(picture, tiny_engine.paint("a blue square", seed=3))


def test_context_channels_are_those_of_latent_concat() -> None:
    noisy, context = torch.randn(1, 16, 7, 8, 8), torch.randn(1, 16, 2, 8, 8)
    stacked = with_context(noisy, context)
    assert stacked.shape == (1, 33, 7, 8, 8)
    assert torch.equal(stacked[:, :16], noisy)
    assert torch.equal(stacked[:, 16:32, :2], context)
    assert stacked[:, 16:32, 2:].abs().sum() == 0
    assert stacked[:, 32, :2].min() == 1
    assert stacked[:, 32, 2:].max() == 0
