"""From what was filmed to what is trained on: latents of the trained autoencoder, made where the training
runs."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.autoencoder import PatchAutoencoder
from model.dtype import working_dtype
from model.train.filmed import Shots


@dataclass(frozen=True)
class Example:
    """Latents [C, T, h, w] in bfloat16, where the training runs, the first frame as the vision model sees it,
    uint8 [t, t, 3], the caption, and whether it begins midway (world.Clip)."""

    latents: Tensor
    thumbnail: Tensor
    caption: str
    midway: bool


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """On `device`, without waiting for it."""
    if device.type == "cuda" and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Coder:
    """The trained autoencoder, on the device of the training."""

    def __init__(self, vae: Path, device: torch.device) -> None:
        self.device = device
        stored = PatchAutoencoder.from_pretrained(vae, torch_dtype=working_dtype(device))
        self.autoencoder = stored.to(device, memory_format=torch.channels_last)

    @torch.no_grad()
    def coded(self, shots: Shots) -> list[Example]:
        video = carried(shots.frames, self.device).permute(0, 4, 1, 2, 3)
        video = video.to(self.autoencoder.dtype) / 127.5 - 1
        latents = self.autoencoder.encode(video)
        # Apart, so that none keeps the others in memory.
        kept = [one.to(torch.bfloat16, copy=True) for one in latents]
        parts = zip(kept, shots.thumbnails, shots.captions, shots.midway, strict=True)
        return [Example(*part) for part in parts]
