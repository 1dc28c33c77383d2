"""The resident model: prompts and a picture in, windows of frames out. Knows no job, no file and no
network."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from model.ahead import ahead
from model.apart import apart
from model.beside import beside
from model.config import EngineConfig
from model.families.family import Check, Family, State, to_pixels
from model.image import fit
from model.preview import Preview
from model.windows import Shot, WindowPlan, plan_windows, prompt_at

Steer = Callable[[int], Sequence[Shot]]
Watch = Callable[[int, np.ndarray], None]
Size = tuple[int, int]  # height, width

PICTURE, START = -1, -2  # random streams beside those of the windows, which are numbered from 0


@dataclass(frozen=True)
class Window:
    """Frames uint8 [N, H, W, 3] from `start_frame` on, and what the window after this one starts from."""

    index: int
    start_frame: int
    frames: np.ndarray
    state: State
    seconds: dict[str, float] = field(default_factory=dict)
    """By stage; one stage followed on the other, and the last ended at `made_at`."""
    made_at: float = field(default_factory=time.time)
    """Unix seconds."""


@dataclass(frozen=True)
class _Denoised:
    plan: WindowPlan
    decode: Callable[[], Tensor]
    state: State
    denoise_seconds: float
    decode_seconds: float  # spent already: a family may need the frames for what it carries on


class Painter(Protocol):
    """Text-to-image, where no picture is given."""

    def paint(
        self,
        config: EngineConfig,
        prompt: str,
        size: Size,
        rng: torch.Generator,
        check: Check | None,
    ) -> np.ndarray:
        """uint8 [H, W, 3] of about that size."""


class Engine:
    """Holds the weights on one device. One call at a time; every call is a function of its arguments
    alone."""

    def __init__(
        self,
        config: EngineConfig,
        family: Family,
        painter: Painter | None,
        *,
        preview: Preview | None = None,
        description: dict[str, object] | None = None,
    ) -> None:
        self.config = config
        self.family, self.painter, self.preview = family, painter, preview
        self.transformer = family.transformer
        self.device = family.transformer.device
        self.overlaps = True  # on a GPU: windows are decoded beside the denoising of the next
        self._description = description or {}

    def describe(self) -> dict[str, object]:
        """Model, weight hashes, precision, steps and versions: with a seed, enough to make the same video
        again."""
        return {
            "model": self.config.name,
            "video_steps": self.config.video_steps,
            "image_steps": self.config.image_steps,
            "shift": self.config.shift,
            "image_guidance": self.config.image_guidance,
            "keeps_look": self.config.keeps_look,
            "attention": self.config.attention,
            "dtype": str(self.transformer.dtype).removeprefix("torch."),
            "device": self.device.type,
            **self._description,
        }

    def paint(
        self, prompt: str, *, seed: int, size: Size | None = None, check: Check | None = None
    ) -> np.ndarray:
        """Text-to-image, uint8 [H, W, 3], for a video of `size` (height, width; the model's own if None).

        Raises ValueError where no text-to-image model was loaded.
        """
        painter = self.painter
        if painter is None:
            raise ValueError(f"{self.config.name} was loaded without a text-to-image model: give a picture")
        rng, size = rng_for(seed, PICTURE), size or self.config.size
        return apart(lambda: painter.paint(self.config, prompt, size, rng, check))

    def generate(
        self,
        shots: Sequence[Shot],
        image: np.ndarray,
        *,
        num_frames: int,
        seed: int,
        size: Size | None = None,
        start_window: int = 0,
        state: State | None = None,
        check: Check | None = None,
        steer: Steer | None = None,
        watch: Watch | None = None,
    ) -> Iterator[Window]:
        """Image-to-video by a sliding window: yields windows in order, each as soon as it is decoded.

        image uint8 [H, W, 3] of any size is the first frame, cropped to `size` (height, width; the model's
        own if None). To go on after window k pass start_window = k + 1 and k's state: window k depends on
        (seed, k, prompts, picture, carried state) only. While a window is used by the caller the next one is
        being made. `check` is called before every denoising step and before a window is decoded, and may
        raise to stop. `steer` is called with a window's index before it is begun, and gives the shots as they
        are by then. `watch` is called after every step, where the family can tell, with a window's index and
        all its frames as they seem by now, small: uint8 [N, h, w, 3] by `preview`. Raises ValueError where
        start_window and state do not go together, or there is no `preview` to watch by.
        """
        if watch is not None and self.preview is None:
            raise ValueError(f"{self.config.name} has no preview: `magic141 models preview` makes it")
        plans = plan_windows(num_frames, self.config)
        if not 0 <= start_window <= len(plans):
            raise ValueError(f"start_window {start_window} is outside the video's {len(plans)} windows")
        if (start_window > 0) != (state is not None):
            raise ValueError(f"start_window {start_window} {'needs' if state is None else 'takes no'} state")
        picture = fit(image, *(size or self.config.size))
        plans = plans[start_window:]
        denoised = self._denoise_windows(shots, picture, plans, seed, state, check, steer, watch)
        decode = partial(self._decode, picture=picture, check=check)
        yield from beside(denoised, decode, self.device) if self.overlaps else ahead(map(decode, denoised))

    @torch.inference_mode()
    def _denoise_windows(
        self,
        shots: Sequence[Shot],
        picture: np.ndarray,
        plans: Sequence[WindowPlan],
        seed: int,
        state: State | None,
        check: Check | None,
        steer: Steer | None,
        watch: Watch | None,
    ) -> Iterator[_Denoised]:
        state = self.family.start(picture, rng_for(seed, START)) if state is None else state
        for plan in plans:
            if steer is not None:
                shots = steer(plan.index)
            began = time.perf_counter()
            prompt = prompt_at(shots, plan.start_frame, self.config.fps)
            condition = self.family.condition(self.config, prompt, state)
            rng, seen = rng_for(seed, plan.index), self._seen(plan.index, watch)
            latents = self.family.denoise(self.config, condition, state, rng, check, seen)
            denoised = time.perf_counter()
            state, decode = self.family.carry(self.config, condition, latents, state)
            ended = time.perf_counter()
            kept = {name: value.cpu() for name, value in state.items()}
            yield _Denoised(plan, decode, kept, denoised - began, ended - denoised)

    def _seen(self, window: int, watch: Watch | None) -> Callable[[Tensor], None] | None:
        preview = self.preview
        if watch is None or preview is None:
            return None
        return lambda latents: watch(window, preview.decode(latents))

    @torch.inference_mode()
    def _decode(self, item: _Denoised, picture: np.ndarray, check: Check | None) -> Window:
        if check is not None:
            check()
        began = time.perf_counter()
        frames = to_pixels(item.decode())
        if item.plan.index == 0:
            frames = np.concatenate([picture[None], frames])  # what is given needs no decoding
        seconds = {
            "denoise": item.denoise_seconds,
            "decode": item.decode_seconds + time.perf_counter() - began,
        }
        frames = frames[: item.plan.num_frames]
        return Window(item.plan.index, item.plan.start_frame, frames, item.state, seconds)


def rng_for(seed: int, stream: int) -> torch.Generator:
    """A random stream of a window's own, or PICTURE or START, on the CPU, so that every device draws the same
    noise."""
    entropy = (seed & 0xFFFFFFFFFFFFFFFF, (stream + 1) & 0xFFFFFFFF)
    mixed = np.random.SeedSequence(entropy).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(mixed[0]) << 32 | int(mixed[1]))
