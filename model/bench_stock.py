"""diffusers' HunyuanVideoImageToVideoPipeline as it comes: nothing compiled, its own attention."""

import time
from typing import Any

import numpy as np
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoImageToVideoPipeline,
)
from PIL import Image

from model.bench_settings import STEPS, USED
from model.bench_stages import LONG
from model.random_parts import Scale, build_transformer, told
from model.roofline import seconds, wait
from model.schedule import sigmas


def run_stock(scale: Scale, frames: int, autoencoder: AutoencoderKLHunyuanVideo) -> tuple[float, list[float]]:
    """Seconds of everything up to the end of the first step (the picture's latents, and choosing kernels,
    too), and of each step after it. On the same weights and steps as ours, told its embeddings; up to its
    latents, as it decodes by the same autoencoder. Where a step is long it ends after the second."""
    device = autoencoder.device
    pipeline = HunyuanVideoImageToVideoPipeline(
        text_encoder=None,
        tokenizer=None,
        transformer=build_transformer(scale, device),
        vae=autoencoder,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder_2=None,
        tokenizer_2=None,
        image_processor=None,
    )
    pipeline.set_progress_bar_config(disable=True)
    given = told(scale, device, USED)
    moments = [0.0]

    def note(pipe: Any, *_: object) -> dict:
        wait(device)
        moments.append(time.perf_counter())
        pipe._interrupt = len(moments) > 2 and moments[-1] - moments[-2] > LONG
        return {}

    def call() -> None:
        moments[0] = time.perf_counter()
        pipeline(
            image=Image.new("RGB", (scale.width, scale.height)),
            prompt_embeds=given.tokens,
            prompt_attention_mask=given.mask,
            pooled_prompt_embeds=given.pooled,
            width=scale.width,
            height=scale.height,
            num_frames=frames,
            sigmas=sigmas(STEPS, 5.0)[:-1].tolist(),
            num_inference_steps=STEPS,
            callback_on_step_end=note,
            output_type="latent",
        )

    seconds(call, device)
    first, *steps = (float(step) for step in np.diff(moments))
    return first, steps
