"""HunyuanVideo-I2V and Magic141 against diffusers' own pipeline, on the same tiny weights.

Equal: the latents that both denoise, for both definitions of the condition. Different, on purpose:

- The pipeline lets the vision-language model read the prompt in the same pass; Magic 1-For-1 shows it the
  picture alone and takes the text's tokens from the language model by itself (`vlm_sees_prompt`).
- The pipeline always mixes 0.001 of the picture into the noise; Magic 1-For-1 does not (`picture_in_noise`).
- The pipeline drops the four frames that the first latent frame is decoded into; here the context's latents
  take their given place before decoding, and exactly the frames that it repeats are dropped.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, HunyuanVideoPipeline
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from PIL import Image

from model.conditioning import Condition
from model.engine import Engine, rng_for
from model.load import load_engine
from model.windows import Shot
from tests.model.families.conftest import HEIGHT, PICTURE, WIDTH

PROMPT = "a red circle pans left"
SHOTS = (Shot(PROMPT, 9.0),)


@pytest.fixture
def magic141(hunyuan: Engine) -> Iterator[Engine]:
    """The same weights, conditioned as Magic 1-For-1 does it."""
    before = hunyuan.config
    hunyuan.config = replace(
        before, name="magic141", vlm_sees_prompt=False, picture_in_noise=0.0, shift=5.0, video_steps=4
    )
    yield hunyuan
    hunyuan.config = before


def denoised(engine: Engine) -> tuple[Condition, torch.Tensor]:
    """The first window's condition and latents."""
    with torch.inference_mode():
        state = engine.family.start(PICTURE, rng_for(1, -2))
        condition = engine.family.condition(engine.config, PROMPT, state)
        return condition, engine.family.denoise(engine.config, condition, state, rng_for(1, 0), None)


def noise() -> torch.Tensor:
    return torch.randn(1, 16, 3, HEIGHT // 8, WIDTH // 8, generator=rng_for(1, 0))


def piped(pipe, steps: int, shift: float, **told: object) -> torch.Tensor:
    """The latent frames that diffusers' pipeline keeps: all but the first."""
    pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    pipe.set_progress_bar_config(disable=True)
    size = {"height": HEIGHT, "width": WIDTH, "num_frames": 9}
    return pipe(
        image=Image.fromarray(PICTURE),
        num_inference_steps=steps,
        output_type="latent",
        **size,
        **told,
    ).frames


def test_a_window_is_the_pipelines(hunyuan: Engine, hunyuan_pipe) -> None:
    _, ours = denoised(hunyuan)
    theirs = piped(hunyuan_pipe, 2, 7.0, prompt=PROMPT, latents=noise())
    assert ours.std() > 0.1
    torch.testing.assert_close(ours[:, :, 1:], theirs, rtol=1e-3, atol=1e-4)


def test_magic141s_window_is_the_pipelines_under_its_own_condition(magic141: Engine, hunyuan_pipe) -> None:
    condition, ours = denoised(magic141)
    picture = magic141.family.encode(torch.tensor(PICTURE[None]))
    theirs = piped(
        hunyuan_pipe,
        4,
        5.0,
        prompt_embeds=condition.tokens,
        prompt_attention_mask=condition.mask,
        pooled_prompt_embeds=condition.pooled,
        latents=(noise() - 0.001 * picture) / 0.999,  # takes back what the pipeline mixes in
    )
    torch.testing.assert_close(ours[:, :, 1:], theirs, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_magic141s_condition(magic141: Engine, hunyuan_pipe) -> None:
    """146 tokens of the picture, then 256 of the text, and CLIP's pooled vector."""
    family, state = magic141.family, magic141.family.start(PICTURE, rng_for(1, -2))
    told = family.condition(magic141.config, PROMPT, state)
    assert told.tokens.shape == (1, 146 + 256, 32)
    assert told.mask[0, :146].all()
    assert told.mask.shape == (1, 146 + 256)
    other = family.condition(magic141.config, "a blue square", state)
    assert torch.equal(other.tokens[:, :146], told.tokens[:, :146]), "the picture's tokens read the prompt"
    assert not torch.equal(other.tokens[:, 146:], told.tokens[:, 146:])
    turned = family.condition(magic141.config, PROMPT, {"frames": state["frames"].flip(1)})
    assert not torch.equal(turned.tokens[:, :146], told.tokens[:, :146])
    assert torch.equal(turned.tokens[:, 146:], told.tokens[:, 146:])

    seen = hunyuan_pipe.text_encoder.model(
        input_ids=torch.tensor([[1] + [7] * 576 + [2]]),
        pixel_values=hunyuan_pipe.image_processor(Image.fromarray(PICTURE), return_tensors="pt").pixel_values,
    ).last_hidden_state[0]
    kept = [0, *range(1, 577, 4), 577]
    torch.testing.assert_close(told.tokens[0, :146], seen[kept])

    words = hunyuan_pipe.tokenizer(
        DEFAULT_PROMPT_TEMPLATE["template"].format(PROMPT),
        padding="max_length",
        max_length=95 + 256,
        truncation=True,
        return_tensors="pt",
    )
    read = hunyuan_pipe.text_encoder.model.language_model(**words, output_hidden_states=True)
    torch.testing.assert_close(told.tokens[0, 146:], read.hidden_states[-3][0, 95:])
    assert torch.equal(told.mask[0, 146:], words.attention_mask[0, 95:])
    parts = {"tokenizer_2": hunyuan_pipe.tokenizer_2, "text_encoder_2": hunyuan_pipe.text_encoder_2}
    others = dict.fromkeys(["text_encoder", "tokenizer", "transformer", "vae", "scheduler"])
    pooled = HunyuanVideoPipeline(**others, **parts)._get_clip_prompt_embeds(PROMPT, device="cpu")
    torch.testing.assert_close(told.pooled, pooled)


def film(engine: Engine, **more) -> list:
    return list(engine.generate(SHOTS, PICTURE, num_frames=22, seed=1, **more))


@pytest.mark.parametrize("context", [1, 2])
def test_windows_join_and_a_resumed_one_is_the_same(magic141: Engine, context: int) -> None:
    magic141.config = replace(magic141.config, context_latents=context, video_steps=1)
    whole = film(magic141)
    assert [(w.start_frame, len(w.frames)) for w in whole] == [(0, 9), (9, 8), (17, 5)]
    assert np.array_equal(whole[0].frames[0], PICTURE)
    kept = 4 * (context - 1) + 1
    assert whole[0].state["frames"].dtype == torch.uint8
    assert np.array_equal(whole[0].state["frames"].numpy(), whole[0].frames[-kept:])
    rest = film(magic141, start_window=2, state=whole[1].state)
    assert np.array_equal(rest[0].frames, whole[2].frames)
    nudged = film(magic141, start_window=2, state={"frames": 255 - whole[1].state["frames"]})
    assert not np.array_equal(nudged[0].frames, whole[2].frames)


def test_the_picture_and_the_frames_that_repeat_are_given_to_the_transformer(
    magic141: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    magic141.config = replace(magic141.config, context_latents=2, video_steps=1)
    seen, forward = [], magic141.transformer.forward

    def watched(**told):
        seen.append(told["hidden_states"])
        return forward(**told)

    monkeypatch.setattr(magic141.transformer, "forward", watched)
    windows = film(magic141)
    assert [given.shape[2] for given in seen] == [3, 4, 4]
    for given, frames in zip(seen, [PICTURE[None], *(w.frames[-5:] for w in windows[:2])], strict=True):
        latents = magic141.family.encode(torch.tensor(frames))
        count = latents.shape[2]
        torch.testing.assert_close(given[:, 16:32, :count], latents)
        assert not given[:, 16:32, count:].any()
        assert given[:, 32, :count].all()
        assert not given[:, 32, count:].any()


def test_size_is_the_jobs(magic141: Engine) -> None:
    (window,) = magic141.generate(SHOTS, PICTURE, num_frames=5, seed=1, size=(96, 64))
    assert window.frames.shape == (5, 96, 64, 3)


@pytest.mark.parametrize("attention", ["native", "tiles"])
def test_attention_is_the_folders_choice(
    attention: str, hunyuan: Engine, hunyuan_folder: Path, tmp_path: Path
) -> None:
    """On so small a grid a tile's neighbours are all tiles, so that the windows are the same."""
    folder = tmp_path / attention
    shutil.copytree(hunyuan_folder, folder)
    replace(hunyuan.config, attention=attention).save(folder)
    engine = load_engine("hunyuan-i2v-33ch", folder, dtype=torch.float32)
    processors = {type(block.attn.processor).__name__ for block in engine.transformer.transformer_blocks}
    assert processors == {{"native": "UnmaskedAttnProcessor", "tiles": "TiledAttnProcessor"}[attention]}
    (theirs,), (ours,) = (
        [*chosen.generate(SHOTS, PICTURE, num_frames=9, seed=1)] for chosen in (hunyuan, engine)
    )
    assert np.abs(theirs.frames.astype(int) - ours.frames).max() <= 1
