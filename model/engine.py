"""The resident model: prompts and a picture in, windows of frames out. Knows no job, no file and no
network."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor

from model.ahead import ahead
from model.apart import apart
from model.autoencoder import PatchAutoencoder
from model.conditioning import Condition, Conditioner
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.image import fit
from model.look import given_look, look_of
from model.sampler import sample
from model.schedule import sigmas
from model.windows import Shot, WindowPlan, plan_windows, prompt_at

Check = Callable[[], None]
Steer = Callable[[int], Sequence[Shot]]
State = dict[str, Tensor]


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
    latents: Tensor  # all of the window's, context first
    context: int
    state: State
    seconds: float


class Engine:
    """Holds the weights on one device. One call at a time; every call is a function of its arguments
    alone."""

    def __init__(
        self,
        config: EngineConfig,
        transformer: HunyuanVideoTransformer3DModel,
        autoencoder: PatchAutoencoder,
        conditioner: Conditioner,
        *,
        description: dict[str, object] | None = None,
    ) -> None:
        self.config = config
        self.transformer, self.autoencoder, self.conditioner = transformer, autoencoder, conditioner
        self.device = transformer.device
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
            "dtype": str(self.transformer.dtype).removeprefix("torch."),
            "device": self.device.type,
            **self._description,
        }

    def paint(self, prompt: str, *, seed: int, check: Check | None = None) -> np.ndarray:
        """Text-to-image: the same DiT on one latent frame without a context, with classifier-free guidance
        (Ho and Salimans 2022) -> uint8 [H, W, 3]."""
        return apart(lambda: self._paint(prompt, seed, check))

    @torch.inference_mode()
    def _paint(self, prompt: str, seed: int, check: Check | None) -> np.ndarray:
        named, empty = (self._condition(text, None) for text in (prompt, ""))
        guidance = self.config.image_guidance

        def velocity(x: Tensor, sigma: Tensor) -> Tensor:
            towards = self._velocity(x, sigma, named, None)
            if guidance == 1:
                return towards
            away = self._velocity(x, sigma, empty, None)
            return away + guidance * (towards - away)

        latents = self._denoise(velocity, 1, self.config.image_steps, rng_for(seed, -1), check)
        return to_pixels(self.autoencoder.decode(latents.to(self.autoencoder.dtype)))[0]

    def generate(
        self,
        shots: Sequence[Shot],
        image: np.ndarray,
        *,
        num_frames: int,
        seed: int,
        start_window: int = 0,
        state: State | None = None,
        check: Check | None = None,
        steer: Steer | None = None,
    ) -> Iterator[Window]:
        """Image-to-video by a sliding window: yields windows in order, each as soon as it is decoded.

        image uint8 [H, W, 3] of any size is the first frame, cropped to the model's. To go on after window k
        pass start_window = k + 1 and k's state: window k depends on (seed, k, prompts, picture, carried
        state) only. While a window is used by the caller the next one is being made. `check` is called before
        every denoising step and before a window is decoded, and may raise to stop. `steer` is called with a
        window's index before it is begun, and gives the shots as they are by then. Raises ValueError where
        start_window and state do not go together.
        """
        plans = plan_windows(num_frames, self.config)
        if not 0 <= start_window <= len(plans):
            raise ValueError(f"start_window {start_window} is outside the video's {len(plans)} windows")
        if (start_window > 0) != (state is not None):
            raise ValueError(f"start_window {start_window} {'needs' if state is None else 'takes no'} state")
        picture = fit(image, self.config.height, self.config.width)
        denoised = self._denoise_windows(shots, picture, plans[start_window:], seed, state, check, steer)
        yield from ahead(self._decode(item, picture, check) for item in denoised)

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
    ) -> Iterator[_Denoised]:
        given = self._encode(picture)
        context = given if state is None else state["context"].to(self.device)
        look = None if state is None else state.get("look")
        for plan in plans:
            if steer is not None:
                shots = steer(plan.index)
            began = time.perf_counter()
            first_frame = self.autoencoder.decode(context[:, :, :1].to(self.autoencoder.dtype))[
                :, :, 0
            ].clamp(-1, 1)
            condition = self._condition(prompt_at(shots, plan.start_frame, self.config.fps), first_frame)
            count = context.shape[2]
            latents = self._denoise(
                partial(self._velocity, condition=condition, context=context),
                count + self.config.new_latents,
                self.config.video_steps,
                rng_for(seed, plan.index),
                check,
            )
            latents[:, :, :count] = context
            new = latents[:, :, count:]
            if look is None:
                look = look_of(new)
            elif self.config.keeps_look:
                new.copy_(given_look(new, look.to(self.device)))
            carried = latents.to(self.autoencoder.dtype)
            context = self.autoencoder.continuation(carried, self.config.context_latents).float()
            kept = {"context": context.cpu(), "look": look.cpu()}
            yield _Denoised(plan, carried, count, kept, time.perf_counter() - began)

    def _velocity(self, x: Tensor, sigma: Tensor, condition: Condition, context: Tensor | None) -> Tensor:
        return predict_velocity(self.transformer, x, sigma, condition, context, self.config.prediction)

    def _denoise(
        self,
        velocity: Callable[[Tensor, Tensor], Tensor],
        latents: int,
        steps: int,
        rng: torch.Generator,
        check: Check | None,
    ) -> Tensor:
        noise = torch.randn(self.config.latent_shape(latents), generator=rng).to(self.device)
        return sample(velocity, noise, sigmas(steps, self.config.shift).to(self.device), check)

    def _condition(self, prompt: str, first_frame: Tensor | None) -> Condition:
        ids, mask = (tensor.to(self.device) for tensor in self.conditioner.tokenize([prompt]))
        return self.conditioner(
            ids, mask, None if first_frame is None else self.conditioner.thumbnail(first_frame)
        )

    def _encode(self, picture: np.ndarray) -> Tensor:
        video = (
            torch.from_numpy(picture.copy())
            .permute(2, 0, 1)[None, :, None]
            .to(self.device, self.autoencoder.dtype)
        )
        return self.autoencoder.encode(video / 127.5 - 1).float()

    @torch.inference_mode()
    def _decode(self, item: _Denoised, picture: np.ndarray, check: Check | None) -> Window:
        if check is not None:
            check()
        began = time.perf_counter()
        if item.plan.index == 0:
            video = self.autoencoder.decode(item.latents)
        else:
            video = self.autoencoder.decode_groups(item.latents[:, :, item.context :])
        frames = to_pixels(video[:, :, : item.plan.num_frames])
        if item.plan.index == 0:
            frames[0] = picture  # what is given needs no decoding: frame 0 is the picture itself
        seconds = {"denoise": item.seconds, "decode": time.perf_counter() - began}
        return Window(item.plan.index, item.plan.start_frame, frames, item.state, seconds)


def rng_for(seed: int, window: int) -> torch.Generator:
    """A random stream of a window's own (-1 is the picture's), on the CPU, so that every device draws the
    same noise."""
    mixed = np.random.SeedSequence((seed & 0xFFFFFFFFFFFFFFFF, window + 1)).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(mixed[0]) << 32 | int(mixed[1]))


def to_pixels(video: Tensor) -> np.ndarray:
    """[1, 3, N, H, W] in -1..1 -> uint8 [N, H, W, 3]."""
    scaled = ((video[0].float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.permute(1, 2, 3, 0).contiguous().cpu().numpy()
