"""Helios' windows against diffusers' own pipeline on the same tiny weights, all chunks in one call there.

Equal: every frame, at the same gamma, which is a millionth smaller than the pipeline's own. Different, on
purpose: the picture itself is frame 0 here, and the chunks follow it; and each window has a random stream of
its own (in this test one for all, as in the pipeline).
"""

import numpy as np
import pytest
import torch
from PIL import Image

from model.engine import Engine
from model.windows import Shot
from tests.model.families.conftest import HEIGHT, PICTURE, WIDTH

PROMPT = "a red circle pans left"
SHOTS = (Shot(PROMPT, 9.0),)


def film(engine: Engine, num_frames: int, **more) -> list:
    return list(engine.generate(SHOTS, PICTURE, num_frames=num_frames, seed=1, **more))


def test_windows_are_the_pipelines(helios: Engine, helios_pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    helios_pipe.set_progress_bar_config(disable=True)
    helios_pipe.register_modules(scheduler=helios.family.pipe.scheduler)  # whose noise any processor can draw
    told = {
        "image": Image.fromarray(PICTURE),
        "prompt": PROMPT,
        "height": HEIGHT,
        "width": WIDTH,
        "num_frames": 66,
        "guidance_scale": 1.0,
        "pyramid_num_inference_steps_list": [1, 1, 1],
        "is_amplify_first_chunk": True,
    }
    theirs = helios_pipe(**told, generator=torch.Generator().manual_seed(3)).frames[0]
    stream = torch.Generator().manual_seed(3)
    monkeypatch.setattr("model.engine.rng_for", lambda seed, index: stream)
    first, second = film(helios, 67)
    assert (len(first.frames), len(second.frames)) == (34, 33)
    assert np.array_equal(first.frames[0], PICTURE)
    ours = np.concatenate([first.frames[1:], second.frames])
    shown = (theirs * 255).round().astype(int)
    assert len(shown) == 65  # the pipeline keeps 4n + 1
    assert shown.std() > 5
    assert np.abs(shown - ours[:65]).max() <= 1


def test_the_noise_of_a_larger_stage(helios: Engine) -> None:
    pipe, drawn = helios.family.pipe, torch.Generator().manual_seed(2)
    noise = pipe.sample_block_noise(1, 16, 4, 32, 32, device=torch.device("cpu"), generator=drawn)
    patches = noise.unfold(3, 2, 2).unfold(4, 2, 2).reshape(-1, 4)
    gamma = pipe.scheduler.config.gamma
    wanted = (1 + gamma) * torch.eye(4) - gamma
    torch.testing.assert_close(torch.cov(patches.T), wanted, atol=0.05, rtol=0.0)
    assert patches.sum(1).abs().max() < 0.05  # patches sum to nothing


def test_windows_join_and_a_resumed_one_is_the_same(helios: Engine) -> None:
    whole = film(helios, 50)
    assert [(w.start_frame, len(w.frames)) for w in whole] == [(0, 34), (34, 16)]
    assert whole[0].state["history"].shape[2] == 19
    (rest,) = film(helios, 50, start_window=1, state=whole[0].state)
    assert np.array_equal(rest.frames, whole[1].frames)
    lost = {**whole[0].state, "picture": 0 * whole[0].state["picture"]}
    assert not np.array_equal(film(helios, 50, start_window=1, state=lost)[0].frames, whole[1].frames)


def test_it_stops_within_a_step(helios: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    forwards, forward = [], helios.transformer.forward

    def counted(*args: object, **told: object) -> object:
        forwards.append(1)
        return forward(*args, **told)

    def check() -> None:
        if len(forwards) == 2:
            raise InterruptedError("stop")

    monkeypatch.setattr(helios.transformer, "forward", counted)
    with pytest.raises(InterruptedError):
        film(helios, 34, check=check)
    assert len(forwards) == 2
