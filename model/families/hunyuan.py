"""HunyuanVideo-I2V with 33 channels, and Magic141, which is the same DiT: diffusers' and transformers' own
classes.

Where diffusers' pipeline and the code of Magic 1-For-1 differ, a preset says which one its weights were
trained for: what the vision-language model sees (`vlm_sees_prompt`), and whether a little of the picture is
mixed into the noise (`picture_in_noise`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from PIL import Image
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    CLIPImageProcessor,
    CLIPTextModel,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from model.conditioning import Condition
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.families.family import Check, State, Watch, frames_of, kept_frames, to_pixels
from model.sampler import sample
from model.schedule import sigmas

PATCH_STEP = 4
"""Of the tokens that the vision-language model has for patches one in four is kept."""


class HunyuanFamily:
    """A window starts from `frames`, uint8 [4(n-1)+1, H, W, 3], which are encoded to n latent frames: the
    picture alone in the first window, the last frames of the window before in each later one."""

    PARTS: ClassVar[dict[str, Any]] = {
        "transformer": HunyuanVideoTransformer3DModel,
        "vae": AutoencoderKLHunyuanVideo,
        "text_encoder": LlavaForConditionalGeneration,
        "text_encoder_2": CLIPTextModel,
        "tokenizer": AutoTokenizer,
        "tokenizer_2": AutoTokenizer,
        "image_processor": CLIPImageProcessor,
    }
    FLOAT32: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        transformer: HunyuanVideoTransformer3DModel,
        vae: AutoencoderKLHunyuanVideo,
        text_encoder: LlavaForConditionalGeneration,
        text_encoder_2: CLIPTextModel,
        tokenizer: PreTrainedTokenizerFast,
        tokenizer_2: PreTrainedTokenizerFast,
        image_processor: CLIPImageProcessor,
    ) -> None:
        self.transformer, self.vae, self.vlm = transformer, vae, text_encoder
        self.tokenizer, self.image_processor = tokenizer, image_processor
        self.encoders: tuple[nn.Module, ...] = text_encoder, text_encoder_2
        self.modules: tuple[nn.Module, ...] = transformer, vae, *self.encoders
        # The pipelines are used for how they word and encode a prompt, and hold nothing but the encoders.
        shared = {"tokenizer": tokenizer, "text_encoder_2": text_encoder_2, "tokenizer_2": tokenizer_2}
        empty = {"vae": None, "transformer": None, "scheduler": None}
        self.seeing = HunyuanVideoImageToVideoPipeline(
            text_encoder=text_encoder, image_processor=image_processor, **shared, **empty
        )
        self.reading = HunyuanVideoPipeline(text_encoder=text_encoder.model.language_model, **shared, **empty)

    @property
    def device(self) -> torch.device:
        return self.transformer.device

    def start(self, picture: np.ndarray, rng: torch.Generator) -> State:
        return {"frames": torch.tensor(picture[None])}

    def condition(self, config: EngineConfig, prompt: str, state: State) -> Condition:
        first = Image.fromarray(state["frames"][0].cpu().numpy())
        if config.vlm_sees_prompt:
            tokens, pooled, mask = self.seeing.encode_prompt(
                image=first, prompt=prompt, device=self.device, image_embed_interleave=2
            )
            return Condition(tokens, mask, pooled)
        tokens, pooled, mask = self.reading.encode_prompt(prompt=prompt, device=self.device)
        seen = self.seen(first)
        mask = torch.cat([mask.new_ones(seen.shape[:2]), mask], dim=1)
        return Condition(torch.cat([seen, tokens], dim=1), mask, pooled)

    def seen(self, picture: Image.Image) -> Tensor:
        """What the vision-language model makes of a picture without a word, [1, 2 + patches/4, 4096]: its
        last hidden states of the token before the patches, of every fourth patch, and of the token behind."""
        config = self.vlm.config
        patches = [config.image_token_index] * config.image_seq_length
        ids = [self.tokenizer.bos_token_id, *patches, self.tokenizer.eos_token_id]
        pixels = self.image_processor(picture, return_tensors="pt").pixel_values
        states = self.vlm.model(
            input_ids=torch.tensor([ids], device=self.device),
            pixel_values=pixels.to(self.device, self.vlm.dtype),
        ).last_hidden_state
        return torch.cat([states[:, :1], states[:, 1:-1:PATCH_STEP], states[:, -1:]], dim=1)

    def denoise(
        self,
        config: EngineConfig,
        condition: Condition,
        state: State,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        context = self.encode(state["frames"])
        count = context.shape[2]
        batch, channels, _, height, width = context.shape
        shape = (batch, channels, count + config.new_latents, height, width)
        noise = torch.randn(shape, generator=rng).to(self.device)
        noise = torch.lerp(noise, context[:, :, :1].expand(shape), config.picture_in_noise)
        velocity = partial(
            predict_velocity,
            self.transformer,
            condition=condition,
            context=context,
            prediction="velocity",
        )
        schedule = sigmas(config.video_steps, config.shift).to(self.device)
        latents = sample(velocity, noise, schedule, check, watch)
        latents[:, :, :count] = context
        return latents

    def encode(self, frames: Tensor) -> Tensor:
        return self.encoded(self.vae, frames)

    @staticmethod
    def encoded(vae: AutoencoderKLHunyuanVideo, frames: Tensor) -> Tensor:
        """uint8 [4(n-1)+1, H, W, 3] -> latents, float32 [1, C, n, H/8, W/8]."""
        video = frames_of(frames, vae.device, vae.dtype)
        return vae.encode(video).latent_dist.mode().float() * vae.config.scaling_factor

    def carry(
        self, config: EngineConfig, condition: Condition, latents: Tensor, state: State
    ) -> tuple[State, Callable[[], Tensor]]:
        # The decoder is causal: the frames that go on are not there before all are decoded.
        video = self.vae.decode((latents / self.vae.config.scaling_factor).to(self.vae.dtype)).sample
        frames = torch.from_numpy(to_pixels(video[:, :, -kept_frames(config) :]))
        new = video[:, :, len(state["frames"]) :]
        return {"frames": frames}, lambda: new
