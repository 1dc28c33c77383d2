"""The look of a video, which must not wander off in a minute: each latent channel's level and strength.

Every window starts from what the one before it made, so a colour that is a little off is a little more off in
the next. A window may look different from the picture, as what it shows may have left the screen; here it is
only kept from going on and on. Pulling it all the way back (adaptive instance normalisation, Huang and
Belongie 2017) paints what has left the screen into the video again (LOG.md).
"""

import torch
from torch import Tensor

FLAT = 1e-3  # a standard deviation below this is that of a plain channel


def look_of(latents: Tensor) -> Tensor:
    """Latents [1, C, T, h, w] -> mean and standard deviation of each channel, [2, C]."""
    std, mean = torch.std_mean(latents[0], dim=(1, 2, 3))
    return torch.stack([mean, std])


def kept_near(latents: Tensor, look: Tensor, limit: float) -> Tensor:
    """Latents [1, C, T, h, w] whose channels are no farther from `look` [2, C] than `limit`: the mean by so
    many of its standard deviations, the standard deviation by that share above it."""
    wide = (1, -1, 1, 1, 1)
    mean, std = (value.view(wide) for value in look_of(latents))
    wanted_mean, wanted_std = (value.view(wide) for value in look)
    near = mean.clamp(wanted_mean - limit * wanted_std, wanted_mean + limit * wanted_std)
    shrink = ((1 + limit) * wanted_std / std.clamp(min=FLAT)).clamp(max=1.0)
    return (latents - mean) * shrink + near
