"""The look of a video, which must not wander off in a minute: each latent channel's level, and its strength
at each octave of detail.

Every window starts from what the one before it made, so a colour that is a little off is a little more off in
the next, and what is a little soft a little softer. So the windows after the first are given the first one's
look: statistics of a pyramid are matched, as in texture synthesis (Heeger and Bergen 1995), with the mean and
the mean absolute value of each octave. Absolute values, not squares: a still that grows grainy spreads the
same energy over many more small edges (LOG.md, 2026-11-25).

A thing that grows or leaves changes colours as well, faster than they drift, and is to: there the look goes
along (LOG.md, 2026-11-28).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

OCTAVES = 3  # of detail, above what is left: at 32x32 latents that is 4x4
WEAKEST = 1e-3  # a strength below this is that of a plain channel
DRIFT = 0.2  # the most that a level drifts within one window, of latents whose variance is 1
MOST = 2.0  # an octave grows by this factor at most: what has left the screen is not conjured up at once


def look_of(latents: Tensor) -> Tensor:
    """Latents [1, C, T, h, w] -> [OCTAVES + 2, C]: the mean of each channel, then the strengths of its
    octaves from fine to coarse, averaged over the frames."""
    frames = latents[0].transpose(0, 1)
    strengths = [_strength(octave).mean(0).flatten() for octave in _octaves(frames)]
    return torch.stack([frames.mean((0, 2, 3)), *strengths])


def given_look(latents: Tensor, look: Tensor) -> Tensor:
    """Latents [1, C, T, h, w] with the means and the octaves' strengths of `look` in each latent frame, or of
    a look for each, [OCTAVES + 2, T, C]; an octave is weakened at will, and strengthened at most `MOST`
    times."""
    mean, *strengths = look[..., None, None]
    *details, rest = _octaves(latents[0].transpose(0, 1))
    rest = rest - rest.mean((2, 3), keepdim=True)
    scaled = [
        octave * (wanted / _strength(octave).clamp(min=WEAKEST)).clamp(max=MOST)
        for octave, wanted in zip([*details, rest], strengths, strict=True)
    ]
    frames = scaled.pop() + mean
    while scaled:
        frames = _wider(frames) + scaled.pop()
    return frames.transpose(0, 1)[None]


def followed(latents: Tensor, look: Tensor) -> Tensor:
    """A look for each latent frame, [OCTAVES + 2, T, C], that goes along with what is filmed: a mean or a
    strength that gets further off than `DRIFT` within the window is itself the more of what is wanted, from
    twice as far on the whole of it."""
    frames = latents[0].transpose(0, 1)
    strengths = [_strength(octave).flatten(1) for octave in _octaves(frames)]
    off = torch.stack([frames.mean((2, 3)), *strengths]) - look[:, None]
    return look[:, None] + (off.abs().amax(1, keepdim=True) / DRIFT - 1).clamp(0, 1) * off


def _octaves(frames: Tensor) -> list[Tensor]:
    """Frames [T, C, h, w] -> what each halving of the size takes away, and what is left (Burt and Adelson
    1983)."""
    found = []
    for _ in range(OCTAVES):
        smaller = F.avg_pool2d(frames, 2)
        found.append(frames - _wider(smaller))
        frames = smaller
    return [*found, frames]


def _wider(frames: Tensor) -> Tensor:
    return F.interpolate(frames, scale_factor=2.0, mode="bilinear")


def _strength(octave: Tensor) -> Tensor:
    """[T, C, h, w] -> [T, C, 1, 1]: the mean distance from the mean."""
    return (octave - octave.mean((2, 3), keepdim=True)).abs().mean((2, 3), keepdim=True)
