"""What differs from one model family to the next; the engine has the rest: windows, seeds, order, resume."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import ModelMixin
from torch import Tensor, nn

from model.config import EngineConfig

Check = Callable[[], None]
Watch = Callable[[Tensor], None]
State = dict[str, Tensor]
"""What a window starts from; it is stored between windows, so it holds all that one needs of the last."""


class Family(Protocol):
    """One model's parts, on one device. Every call is a function of its arguments alone."""

    transformer: ModelMixin
    modules: tuple[nn.Module, ...]
    """All that holds weights, the transformer first."""
    encoders: tuple[nn.Module, ...]
    """Those of them that `condition` alone calls, by their forward: they may be offloaded."""

    def start(self, picture: np.ndarray, rng: torch.Generator) -> State:
        """What the first window starts from: the picture, uint8 [H, W, 3] of the window's size."""

    def condition(self, config: EngineConfig, prompt: str, state: State) -> Any:
        """What `denoise` is told, by the prompt and by the frame that the window starts from."""

    def denoise(
        self,
        config: EngineConfig,
        condition: Any,
        state: State,
        rng: torch.Generator,
        check: Check | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """A window's latents, [1, C, T, h, w]. `check` is called before every step and may raise. `watch` is
        given what each step takes them for, where the family can tell."""

    def carry(
        self, config: EngineConfig, condition: Any, latents: Tensor, state: State
    ) -> tuple[State, Callable[[], Tensor]]:
        """What the next window starts from, and a call that gives the frames which this one adds, [1, 3, N,
        H, W] in -1..1: N is config.window_frames."""


def frames_of(pictures: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """uint8 [N, H, W, 3] -> a video in -1..1, [1, 3, N, H, W]."""
    return pictures.permute(3, 0, 1, 2)[None].to(device, dtype) / 127.5 - 1


def to_pixels(video: Tensor) -> np.ndarray:
    """[1, 3, N, H, W] in -1..1 -> uint8 [N, H, W, 3]."""
    scaled = ((video[0].float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.permute(1, 2, 3, 0).contiguous().cpu().numpy()


def kept_frames(config: EngineConfig) -> int:
    """Frames that are encoded to the latents of a later window's context."""
    return config.frames_per_latent * (config.context_latents - 1) + 1
