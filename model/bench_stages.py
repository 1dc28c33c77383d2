"""What a clip takes beside its denoising, each stage by itself: the condition, the picture's latents, and the
frames from the latents. Random weights."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKLHunyuanVideo
from torch import Tensor

from model.dtype import working_dtype
from model.families.family import to_pixels
from model.random_parts import Scale, build_encoders
from model.roofline import seconds

LONG = 5.0  # seconds: of work that takes longer, choosing kernels is a small part


def stage(name: str, scale: Scale, autoencoder: AutoencoderKLHunyuanVideo) -> Callable[[], object]:
    """The work of `name`, one of bench_settings.STAGES, on the autoencoder's device; to be called under
    inference_mode."""
    device = autoencoder.device
    if name == "condition":
        return _condition(scale, device)
    if name == "encode":
        shape = (1, 3, 1, scale.height, scale.width)
        picture = torch.zeros(shape, device=device, dtype=working_dtype(device))
        return lambda: autoencoder.encode(picture)
    latents = noise(scale, int(name.rpartition("-")[2]), device).to(working_dtype(device))
    return lambda: to_pixels(autoencoder.decode(latents).sample)


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds. The first run also pays for choosing kernels: where it is short, the best of two after it."""
    first = seconds(work, device)
    return first if first > LONG else min(seconds(work, device) for _ in range(2))


def noise(scale: Scale, frames: int, device: torch.device) -> Tensor:
    """Latents, float32, the same on every device."""
    shape = (1, 16, (frames - 1) // 4 + 1, scale.height // 8, scale.width // 8)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(device)


def _condition(scale: Scale, device: torch.device) -> Callable[[], object]:
    llava, clip = build_encoders(scale, device)
    side = scale.vision["image_size"]
    patches = (side // scale.vision["patch_size"]) ** 2
    words = torch.ones(1, 351, dtype=torch.long, device=device)  # the template's 95 and 256
    seen = torch.full((1, patches + 95), 1, device=device)
    seen[:, :patches] = llava.config.image_token_id
    picture = torch.zeros(1, 3, side, side, device=device, dtype=working_dtype(device))

    def run() -> None:
        llava.model.language_model(words)
        llava.model(input_ids=seen, pixel_values=picture)
        clip(words[:, :77])

    return run
