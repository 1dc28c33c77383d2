"""The bundled family: HunyuanVideo's DiT, small, with an autoencoder and condition encoders of its own."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPVisionModel, PreTrainedTokenizerFast

from model.autoencoder import PatchAutoencoder
from model.conditioning import Condition, Conditioner
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.families.family import Check, State, Watch, frames_of, to_pixels
from model.look import followed, given_look, look_of
from model.sampler import sample
from model.schedule import sigmas


class MiniFamily:
    """A window starts from `context`, float32 latents [1, C, n, h, w]: the picture's in the first one; later
    ones also from `look`, the first one's or what became of it (model.look)."""

    PARTS: ClassVar[dict[str, Any]] = {
        "transformer": HunyuanVideoTransformer3DModel,
        "vae": PatchAutoencoder,
        "tokenizer": PreTrainedTokenizerFast,
        "text_encoder": CLIPTextModel,
        "image_encoder": CLIPVisionModel,
    }

    def __init__(
        self,
        transformer: HunyuanVideoTransformer3DModel,
        autoencoder: PatchAutoencoder,
        conditioner: Conditioner,
    ) -> None:
        self.transformer, self.autoencoder, self.conditioner = transformer, autoencoder, conditioner
        self.encoders: tuple[nn.Module, ...] = conditioner.text, conditioner.vision
        self.modules: tuple[nn.Module, ...] = transformer, autoencoder, *self.encoders

    @property
    def device(self) -> torch.device:
        return self.transformer.device

    def start(self, picture: np.ndarray, rng: torch.Generator) -> State:
        return {"context": self.encoded(self.autoencoder, torch.tensor(picture[None]))}

    @staticmethod
    def encoded(vae: PatchAutoencoder, frames: Tensor) -> Tensor:
        """uint8 [4(n-1)+1, H, W, 3] -> latents, float32 [1, C, n, H/8, W/8]."""
        return vae.encode(frames_of(frames, vae.device, vae.dtype)).float()

    def condition(self, config: EngineConfig, prompt: str, state: State) -> Condition:
        first = state["context"][:, :, :1].to(self.device, self.autoencoder.dtype)
        told = self._condition(prompt, self.autoencoder.decode(first)[:, :, 0].clamp(-1, 1))
        return replace(told, to_a_thing=config.keeps_look and self._to_a_thing(config, told.pooled))

    def denoise(
        self,
        config: EngineConfig,
        condition: Condition,
        state: State,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        context = state["context"].to(self.device)
        velocity = partial(self._velocity, config, condition=condition, context=context)
        count = context.shape[2]
        steps, total = config.video_steps, count + config.new_latents
        latents = self._sample(config, velocity, total, steps, rng, check, watch)
        latents[:, :, :count] = context
        return latents

    def carry(
        self, config: EngineConfig, condition: Condition, latents: Tensor, state: State
    ) -> tuple[State, Callable[[], Tensor]]:
        new = latents[:, :, state["context"].shape[2] :]
        look = state["look"].to(self.device) if "look" in state else look_of(new)
        if "look" in state and config.keeps_look:
            wanted = followed(new, look) if condition.to_a_thing else look[:, None]
            new.copy_(given_look(new, wanted))
            look = wanted[:, -1].contiguous()
        context = self.autoencoder.continuation(latents.to(self.autoencoder.dtype), config.context_latents)
        decode = partial(self.autoencoder.decode_groups, new.to(self.autoencoder.dtype))
        return {"context": context.float(), "look": look}, decode

    @torch.inference_mode()
    def paint(
        self,
        config: EngineConfig,
        prompt: str,
        size: tuple[int, int],
        rng: torch.Generator,
        check: Check | None,
    ) -> np.ndarray:
        """The same DiT on one latent frame without a context, with classifier-free guidance (Ho and Salimans
        2022). It knows one size, its own."""
        named, empty = (self._condition(text, None) for text in (prompt, ""))
        guidance = config.image_guidance

        def velocity(x: Tensor, sigma: Tensor) -> Tensor:
            towards = self._velocity(config, x, sigma, named, None)
            if guidance == 1:
                return towards
            away = self._velocity(config, x, sigma, empty, None)
            return away + guidance * (towards - away)

        latents = self._sample(config, velocity, 1, config.image_steps, rng, check)
        return to_pixels(self.autoencoder.decode(latents.to(self.autoencoder.dtype)))[0]

    def _velocity(
        self,
        config: EngineConfig,
        x: Tensor,
        sigma: Tensor,
        condition: Condition,
        context: Tensor | None,
    ) -> Tensor:
        return predict_velocity(self.transformer, x, sigma, condition, context, config.prediction)

    def _sample(
        self,
        config: EngineConfig,
        velocity: Callable[[Tensor, Tensor], Tensor],
        latents: int,
        steps: int,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        noise = torch.randn(config.latent_shape(latents), generator=rng).to(self.device)
        return sample(velocity, noise, sigmas(steps, config.shift).to(self.device), check, watch)

    def _to_a_thing(self, config: EngineConfig, pooled: Tensor) -> bool:
        """Whether the nearest plain command is one to a thing."""
        plain = (*config.to_camera, *config.to_things)
        if not plain:
            return False
        ids, mask = (tensor.to(self.device) for tensor in self.conditioner.tokenize(list(plain)))
        apart = self.conditioner.read(ids, mask, filmed=True).pooled - pooled
        return int(apart.square().sum(1).argmin()) >= len(config.to_camera)

    def _condition(self, prompt: str, first_frame: Tensor | None) -> Condition:
        ids, mask = (tensor.to(self.device) for tensor in self.conditioner.tokenize([prompt]))
        return self.conditioner(
            ids, mask, None if first_frame is None else self.conditioner.thumbnail(first_frame)
        )
