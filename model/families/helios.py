"""Helios-Distilled: videos by chunks of 33 frames out of a long history, through diffusers' own pipeline.

Each window is one call of the pipeline, which is given the history that the windows before it left.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import (
    AutoencoderKLWan,
    HeliosDMDScheduler,
    HeliosPyramidPipeline,
    HeliosTransformer3DModel,
)
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerFast, UMT5EncoderModel

from model.config import EngineConfig
from model.families.family import Check, State, Watch, frames_of

HISTORY = [16, 2, 1]
"""Latent frames of the past that the transformer sees: far, nearer, last."""
NOISE = (0.111, 0.135)
"""How much noise the picture gets before it is a part of the history, drawn between these."""
STAGES = 3
MAX_TOKENS = 512
LARGEST_GAMMA = 0.333332
"""At 1/3, which is published, the noise's covariance is singular: in float32 its Cholesky factor is a matter
of how a processor rounds, and on some there is none. The difference is noise of 0.002."""


class _Undecoded:
    """Stands for the pipeline's autoencoder: what it makes is decoded later, and only once."""

    def __init__(self, vae: AutoencoderKLWan) -> None:
        self.config, self.dtype = vae.config, torch.float32

    def decode(self, latents: Tensor, return_dict: bool) -> tuple[Tensor]:
        return (latents,)


class HeliosFamily:
    """A window starts from `history`, the last 19 latent frames, float32 [1, C, 19, h, w], zero before the
    picture, and from `picture`, its latent frame with a little noise, [1, C, 1, h, w]."""

    PARTS: ClassVar[dict[str, Any]] = {
        "transformer": HeliosTransformer3DModel,
        "vae": AutoencoderKLWan,
        "text_encoder": UMT5EncoderModel,
        "tokenizer": AutoTokenizer,
        "scheduler": HeliosDMDScheduler,
    }
    FLOAT32: ClassVar[tuple[str, ...]] = ("vae",)

    def __init__(
        self,
        transformer: HeliosTransformer3DModel,
        vae: AutoencoderKLWan,
        text_encoder: UMT5EncoderModel,
        tokenizer: PreTrainedTokenizerFast,
        scheduler: HeliosDMDScheduler,
    ) -> None:
        self.transformer, self.vae = transformer, vae
        self.encoders: tuple[nn.Module, ...] = (text_encoder,)
        self.modules: tuple[nn.Module, ...] = transformer, vae, *self.encoders
        gamma = min(scheduler.config.gamma, LARGEST_GAMMA)
        self.pipe = HeliosPyramidPipeline(
            transformer=transformer,
            vae=_Undecoded(vae),
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            scheduler=HeliosDMDScheduler.from_config(scheduler.config, gamma=gamma),
            is_distilled=True,
        )
        self.pipe.set_progress_bar_config(disable=True)

    @property
    def device(self) -> torch.device:
        return self.transformer.device

    def start(self, picture: np.ndarray, rng: torch.Generator) -> State:
        """The picture as the pipeline takes it: its own latent frame, and, as the last frame of the history,
        what a still film of it ends with; both with noise."""
        video = frames_of(torch.tensor(picture[None]), self.device, self.vae.dtype)
        still = video.expand(-1, -1, (9 - 1) * 4 + 1, -1, -1)
        given, last = self._encode(video, rng), self._encode(still, rng)[:, :, -1:]
        noisy = []
        for latents in (given, last):
            low, high = NOISE
            sigma = (torch.rand(1, generator=rng) * (high - low) + low).to(self.device)
            noise = torch.randn(latents.shape, generator=rng).to(self.device)
            noisy.append(sigma * noise + (1 - sigma) * latents)
        blank = last.new_zeros(*last.shape[:2], sum(HISTORY) - 1, *last.shape[3:])
        return {"history": torch.cat([blank, noisy[1]], dim=2), "picture": noisy[0]}

    def condition(self, config: EngineConfig, prompt: str, state: State) -> Tensor:
        text, _ = self.pipe.encode_prompt(
            prompt, None, False, max_sequence_length=MAX_TOKENS, device=self.device
        )
        return text

    def denoise(
        self,
        config: EngineConfig,
        condition: Tensor,
        state: State,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        if check is not None:
            check()

        def after_step(pipe: object, index: int, timestep: Tensor, told: dict[str, Tensor]) -> dict:
            if check is not None:
                check()
            return told

        height, width = (side * config.pixels_per_latent for side in state["picture"].shape[3:])
        made = self.pipe(
            prompt_embeds=condition,
            image_latents=state["picture"].to(self.device),
            video_latents=state["history"].to(self.device),
            add_noise_to_image_latents=False,
            add_noise_to_video_latents=False,
            height=height,
            width=width,
            num_frames=config.window_frames,
            num_latent_frames_per_chunk=config.new_latents,
            history_sizes=HISTORY,
            pyramid_num_inference_steps_list=[config.video_steps // STAGES] * STAGES,
            guidance_scale=1.0,
            is_amplify_first_chunk=not state["history"][:, :, :-1].any(),
            generator=rng,
            callback_on_step_end=after_step,
            output_type="latent",
        ).frames
        return made[:, :, -config.new_latents :]

    def carry(
        self, config: EngineConfig, condition: Tensor, latents: Tensor, state: State
    ) -> tuple[State, Callable[[], Tensor]]:
        history = torch.cat([state["history"].to(self.device), latents], dim=2)[:, :, -sum(HISTORY) :]
        mean, std = self._scale()
        scaled = (latents * std + mean).to(self.vae.dtype)
        return {**state, "history": history}, lambda: self.vae.decode(scaled).sample

    def _encode(self, video: Tensor, rng: torch.Generator) -> Tensor:
        mean, std = self._scale()
        return (self.vae.encode(video).latent_dist.sample(generator=rng).float() - mean) / std

    def _scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each latent channel, [1, C, 1, 1, 1]."""
        config = self.vae.config
        both = torch.tensor([config.latents_mean, config.latents_std], device=self.device)
        return both[0].view(1, -1, 1, 1, 1), both[1].view(1, -1, 1, 1, 1)
