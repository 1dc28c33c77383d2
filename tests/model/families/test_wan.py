"""Wan2.1's window against diffusers' own pipeline on the same tiny weights, the LoRA loaded by peft there.

Equal: latents and frames. Different, on purpose: the grid of noise levels is the one the LoRA was distilled
for (1, .9375, .8333, .625), where the pipeline's schedulers cut four steps out of a thousand.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanImageToVideoPipeline
from PIL import Image
from safetensors.torch import load_file, save_file

from model.engine import Engine, rng_for
from model.families.family import to_pixels
from model.load import load_engine, verify
from model.parts import BrokenWeights
from model.schedule import sigmas
from model.windows import Shot
from tests.model.families.conftest import HEIGHT, PICTURE, WIDTH
from tests.model.families.test_parts import rewrite

PROMPT = "a red circle pans left"
SHOTS = (Shot(PROMPT, 9.0),)


class Distilled(FlowMatchEulerDiscreteScheduler):
    """At the four noise levels of the LoRA."""

    def set_timesteps(self, num_inference_steps: int, device: object = None) -> None:
        super().set_timesteps(sigmas=np.linspace(1.0, 0.0, num_inference_steps + 1)[:-1], device=device)


@pytest.fixture(scope="module")
def tuned(wan_folder: Path) -> WanImageToVideoPipeline:
    """diffusers' pipeline from the same folder, with the LoRA beside the weights."""
    pipe = WanImageToVideoPipeline.from_pretrained(wan_folder, dtype=torch.float32)
    pipe.load_lora_weights(wan_folder / "lora", weight_name="four_steps.safetensors")
    pipe.scheduler = Distilled(shift=5.0)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_the_grid_is_the_loras() -> None:
    scheduler = Distilled(shift=5.0)
    scheduler.set_timesteps(4)
    torch.testing.assert_close(scheduler.sigmas, sigmas(4, 5.0))


def test_a_window_is_the_pipelines(wan: Engine, tuned: WanImageToVideoPipeline) -> None:
    with torch.inference_mode():
        state = wan.family.start(PICTURE, rng_for(1, -2))
        condition = wan.family.condition(wan.config, PROMPT, state)
        ours = wan.family.denoise(wan.config, condition, state, rng_for(1, 0), None)
        carried, decode = wan.family.carry(wan.config, condition, ours, state)
        frames = to_pixels(decode())
    told = {
        "image": Image.fromarray(PICTURE),
        "prompt": PROMPT,
        "height": HEIGHT,
        "width": WIDTH,
        "num_frames": 9,
        "num_inference_steps": 4,
        "guidance_scale": 1.0,
        "latents": torch.randn(1, 16, 3, HEIGHT // 8, WIDTH // 8, generator=rng_for(1, 0)),
    }
    theirs = tuned(**told, output_type="latent").frames
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    shown = (tuned(**told, output_type="np").frames[0] * 255).round().astype(int)
    assert np.abs(shown[1:] - frames).max() <= 1
    assert np.array_equal(carried["frames"].numpy(), frames[-1:])

    tuned.disable_lora()
    plain = tuned(**told, output_type="latent").frames
    tuned.enable_lora()
    assert (plain - theirs).abs().max() > 0.05, "the LoRA makes no difference here, so nothing was compared"


def test_windows_join_and_a_resumed_one_is_the_same(wan: Engine) -> None:
    whole = list(wan.generate(SHOTS, PICTURE, num_frames=22, seed=1))
    assert [(w.start_frame, len(w.frames)) for w in whole] == [(0, 9), (9, 8), (17, 5)]
    rest = list(wan.generate(SHOTS, PICTURE, num_frames=22, seed=1, start_window=1, state=whole[0].state))
    assert np.array_equal(rest[1].frames, whole[2].frames)


def test_what_the_published_weights_hold_beyond_the_model_is_no_problem(
    wan_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(wan_folder, tmp_path / "copy")
    name = "blocks.0.attn2.norm_added_q.weight"
    rewrite(folder / "transformer", lambda tensors: tensors.update({name: torch.ones(32)}))
    verify("wan2.1-i2v-4step", folder)
    load_engine("wan2.1-i2v-4step", folder)


def test_what_is_wrong_with_a_lora_is_told(
    wan_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(wan_folder, tmp_path / "copy")
    (file,) = (folder / "lora").iterdir()
    whole = load_file(file)
    name = "diffusion_model.blocks.1.ffn.0"
    for change, told in (
        ({f"{name}.lora_up.weight": torch.ones(3, 4)}, r"ffn.net.0.proj is \[3, 4\] by "),
        ({"diffusion_model.blocks.7.ffn.0.lora_up.weight": torch.ones(64, 4)}, "blocks.7.*not a pair"),
    ):
        save_file(whole | change, file)
        with pytest.raises(BrokenWeights, match=told):
            load_engine("wan2.1-i2v-4step", folder, device="cuda")
    norm = "diffusion_model.blocks.0.self_attn.norm_k.diff"
    save_file(whole | {norm: torch.zeros(32)}, file)
    load_engine("wan2.1-i2v-4step", folder)
    assert "left out" not in caplog.text
    save_file(whole | {norm: torch.ones(32)}, file)
    load_engine("wan2.1-i2v-4step", folder)
    assert f"1 differences are not zero and left out: ['{norm}']" in caplog.text
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BrokenWeights, match=r"lora: four_steps\.safetensors has"):
        verify("wan2.1-i2v-4step", folder)
    file.unlink()
    with pytest.raises(BrokenWeights, match=r"one \.safetensors file, not 0"):
        load_engine("wan2.1-i2v-4step", folder, device="cuda")
