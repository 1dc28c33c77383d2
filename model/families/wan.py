"""Wan2.1 image-to-video by diffusers' and transformers' own classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanImageToVideoPipeline, WanTransformer3DModel
from PIL import Image
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    CLIPImageProcessor,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    UMT5EncoderModel,
)

from model.config import EngineConfig
from model.families.family import Check, State, Watch, frames_of, kept_frames, to_pixels
from model.sampler import sample
from model.schedule import sigmas

MAX_TOKENS = 512


@dataclass(frozen=True)
class WanCondition:
    """What the text encoder reads, [1, 512, D], zero behind the prompt's end, and what CLIP sees of the first
    frame, [1, 257, V]."""

    text: Tensor
    image: Tensor


class WanFamily:
    """A window starts from `frames`, uint8 [n, H, W, 3], the last ones of the window before it. The model is
    told them by its condition's channels, and makes their latents again with all others."""

    PARTS: ClassVar[dict[str, Any]] = {
        "transformer": WanTransformer3DModel,
        "vae": AutoencoderKLWan,
        "text_encoder": UMT5EncoderModel,
        "image_encoder": CLIPVisionModel,
        "tokenizer": AutoTokenizer,
        "image_processor": CLIPImageProcessor,
    }
    FLOAT32: ClassVar[tuple[str, ...]] = ("vae", "image_encoder")

    def __init__(
        self,
        transformer: WanTransformer3DModel,
        vae: AutoencoderKLWan,
        text_encoder: UMT5EncoderModel,
        image_encoder: CLIPVisionModel,
        tokenizer: PreTrainedTokenizerFast,
        image_processor: CLIPImageProcessor,
    ) -> None:
        self.transformer, self.vae = transformer, vae
        self.encoders: tuple[nn.Module, ...] = text_encoder, image_encoder
        self.modules: tuple[nn.Module, ...] = transformer, vae, *self.encoders
        # Used for how it words and encodes a prompt and a picture.
        self.pipe = WanImageToVideoPipeline(
            tokenizer=tokenizer,
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            image_processor=image_processor,
            vae=None,
            scheduler=None,
        )

    @property
    def device(self) -> torch.device:
        return self.transformer.device

    def start(self, picture: np.ndarray, rng: torch.Generator) -> State:
        return {"frames": torch.tensor(picture[None])}

    def condition(self, config: EngineConfig, prompt: str, state: State) -> WanCondition:
        text, _ = self.pipe.encode_prompt(
            prompt, None, False, max_sequence_length=MAX_TOKENS, device=self.device
        )
        first = Image.fromarray(state["frames"][0].cpu().numpy())
        return WanCondition(text, self.pipe.encode_image(first, self.device))

    def denoise(
        self,
        config: EngineConfig,
        condition: WanCondition,
        state: State,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        given = self.given(config, state["frames"])
        dtype = self.transformer.dtype

        def velocity(x: Tensor, sigma: Tensor) -> Tensor:
            return self.transformer(
                hidden_states=torch.cat([x, given], dim=1).to(dtype),
                timestep=(sigma * 1000).expand(1),
                encoder_hidden_states=condition.text.to(dtype),
                encoder_hidden_states_image=condition.image.to(dtype),
                return_dict=False,
            )[0].float()

        shape = (1, self.vae.config.z_dim, *given.shape[2:])
        noise = torch.randn(shape, generator=rng).to(self.device)
        schedule = sigmas(config.video_steps, config.shift).to(self.device)
        return sample(velocity, noise, schedule, check, watch)

    def given(self, config: EngineConfig, frames: Tensor) -> Tensor:
        """[mask 4 | condition 16] of a window, float32 [1, 20, T, h, w]: the latents of the frames that are
        given and of grey after them; the mask tells for each of a latent's four frames whether it is."""
        side, group = config.pixels_per_latent, config.frames_per_latent
        count, height, width, _ = frames.shape
        latents = (count - 1) // group + 1 + config.new_latents
        video = torch.zeros(1, 3, group * (latents - 1) + 1, height, width, device=self.device)
        video[:, :, :count] = frames_of(frames, self.device, torch.float32)
        told = torch.zeros(group * latents, device=self.device)
        told[: count + group - 1] = 1  # the first latent's one frame counts four times
        mask = told.view(1, latents, group, 1, 1).transpose(1, 2)
        mask = mask.expand(-1, -1, -1, height // side, width // side)
        return torch.cat([mask, _latents(self.vae, video)], dim=1)

    @staticmethod
    def encoded(vae: AutoencoderKLWan, frames: Tensor) -> Tensor:
        """uint8 [4(n-1)+1, H, W, 3] -> latents, float32 [1, C, n, H/8, W/8]."""
        return _latents(vae, frames_of(frames, vae.device, torch.float32))

    def carry(
        self, config: EngineConfig, condition: WanCondition, latents: Tensor, state: State
    ) -> tuple[State, Callable[[], Tensor]]:
        mean, std = _scale(self.vae)
        # The decoder is causal: the frames that go on are not there before all are decoded.
        video = self.vae.decode((latents * std + mean).to(self.vae.dtype)).sample
        frames = torch.from_numpy(to_pixels(video[:, :, -kept_frames(config) :]))
        new = video[:, :, len(state["frames"]) :]
        return {"frames": frames}, lambda: new


def _latents(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    mean, std = _scale(vae)
    return (vae.encode(video.to(vae.dtype)).latent_dist.mode().float() - mean) / std


def _scale(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each latent channel, [1, C, 1, 1, 1]."""
    both = torch.tensor([vae.config.latents_mean, vae.config.latents_std], device=vae.device)
    return both[0].view(1, -1, 1, 1, 1), both[1].view(1, -1, 1, 1, 1)
