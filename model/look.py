"""The look of a video, which must not wander off in a minute: each latent channel's level and strength.

Every window starts from what the one before it made, so a colour that is a little off is a little more off
in the next. Pulling the numbers back is adaptive instance normalisation (Huang and Belongie 2017), used for
long videos by LTX-Video's pipelines as well.
"""

import torch
from torch import Tensor

FLAT = 1e-3  # a standard deviation below this is that of a plain channel, which isn't stretched


def look_of(latents: Tensor) -> Tensor:
    """Latents [1, C, T, h, w] -> mean and standard deviation of each channel, [2, C]."""
    std, mean = torch.std_mean(latents[0], dim=(1, 2, 3))
    return torch.stack([mean, std])


def kept_like(latents: Tensor, look: Tensor, share: float) -> Tensor:
    """Latents [1, C, T, h, w] whose look is moved by `share` (0 to 1) of the way to `look` [2, C]."""
    wide = (1, -1, 1, 1, 1)
    mean, std = (value.view(wide) for value in look_of(latents))
    wanted_mean, wanted_std = (value.view(wide) for value in look)
    moved = (latents - mean) * (wanted_std / std.clamp(min=FLAT)).clamp(max=2.0) + wanted_mean
    return torch.lerp(latents, moved, share)
