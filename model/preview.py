"""A window while it is still being denoised: latents to frames of a latent's size by a linear map, hundreds
of times cheaper than the decoder.

Fitted in closed form, by least squares on what a family's own autoencoder makes of moving canvases, and kept
beside its weights. `magic141 models preview` writes the file, `magic141 generate --preview` uses it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from model.families.family import to_pixels

FILE = "preview.safetensors"
VIDEOS, SIDE, LATENTS = 24, 128, 5  # of what it is fitted on: pixels, latent frames


class Preview:
    """`first` [C + 1, 3] makes the one frame of latent frame 0, `later` [C + 1, 3 n] the n of any other; the
    last row is what is added."""

    def __init__(self, first: Tensor, later: Tensor) -> None:
        self.first, self.later = first, later

    def decode(self, latents: Tensor) -> np.ndarray:
        """[1, C, T, h, w] -> uint8 [n(T-1) + 1, h, w, 3]."""
        first, later = (weight.to(latents.device) for weight in (self.first, self.later))
        codes = _codes(latents)  # T h w C+1
        frames = torch.cat([codes[:1] @ first, _unfolded(codes[1:] @ later)])
        return to_pixels(frames.permute(3, 0, 1, 2)[None])

    def save(self, folder: Path) -> None:
        save_file({"first": self.first, "later": self.later}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Preview | None":
        """None where it was never written."""
        return cls(**load_file(folder / FILE)) if (folder / FILE).is_file() else None


@torch.inference_mode()
def fit_preview(encoded: Callable[[Tensor], Tensor], frames_per_latent: int) -> Preview:
    """By an autoencoder: `encoded` turns frames, uint8 [N, H, W, 3], into latents, [1, C, T, H/8, W/8]."""
    rng = torch.Generator().manual_seed(0)
    codes: tuple[list[Tensor], list[Tensor]] = ([], [])
    wanted: tuple[list[Tensor], list[Tensor]] = ([], [])
    for _ in range(VIDEOS):
        frames = canvas(rng, frames_per_latent * (LATENTS - 1) + 1)
        latents = encoded(frames).float().cpu()
        small = F.interpolate(frames.permute(0, 3, 1, 2) / 127.5 - 1, latents.shape[3:], mode="area")
        pixels = small.permute(0, 2, 3, 1)  # N h w 3
        grouped = pixels[1:].unflatten(0, (-1, frames_per_latent)).permute(0, 2, 3, 1, 4).flatten(3)
        for kind, (code, target) in enumerate(
            ((_codes(latents)[:1], pixels[:1]), (_codes(latents)[1:], grouped))
        ):
            codes[kind].append(code.flatten(0, 2))
            wanted[kind].append(target.flatten(0, 2))
    first, later = (
        torch.linalg.lstsq(torch.cat(code).double(), torch.cat(target).double()).solution.float()
        for code, target in zip(codes, wanted, strict=True)
    )
    return Preview(first.contiguous(), later.contiguous())


def canvas(rng: torch.Generator, count: int) -> Tensor:
    """Coloured noise of all sizes that drifts: uint8 [count, SIDE, SIDE, 3]."""
    reach = 2 * count  # no faster than two pixels a frame
    side = SIDE + 2 * reach
    picture = torch.zeros(1, 3, side, side)
    for cells in (2, 4, 8, 16, 32, 64):
        noise = torch.randn(1, 3, cells, cells, generator=rng)
        picture += F.interpolate(noise, (side, side), mode="bicubic") / cells**0.5
    mixed = torch.einsum("ij,njhw->nihw", torch.randn(3, 3, generator=rng), picture)
    brightness = torch.randn(3, 1, 1, generator=rng) / 2
    pixels = ((torch.tanh(mixed[0] / 2 + brightness) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0)
    step = torch.randint(-2, 3, (2,), generator=rng).tolist()
    corners = [[reach + index * by for by in step] for index in range(count)]
    return torch.stack([pixels[top : top + SIDE, left : left + SIDE] for top, left in corners])


def _codes(latents: Tensor) -> Tensor:
    """[1, C, T, h, w] -> [T, h, w, C + 1], the last of them one."""
    codes = latents[0].float().permute(1, 2, 3, 0)
    return torch.cat([codes, torch.ones_like(codes[..., :1])], dim=-1)


def _unfolded(frames: Tensor) -> Tensor:
    """[T, h, w, 3 n] -> [T n, h, w, 3]"""
    return frames.unflatten(3, (-1, 3)).permute(0, 3, 1, 2, 4).flatten(0, 1)
