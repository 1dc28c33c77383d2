"""Noise levels of rectified flow, x_t = (1 - sigma) x0 + sigma eps."""

import torch
from torch import Tensor


def shifted(s: Tensor, shift: float) -> Tensor:
    """sigma = shift s / (1 + (shift - 1) s): spends more of the way at high noise (Esser et al. 2024, eq.
    23)."""
    return shift * s / (1 + (shift - 1) * s)


def sigmas(steps: int, shift: float) -> Tensor:
    """Euler's grid from 1 to 0, float32 [steps + 1]: with shift 5 and 4 steps 1, .9375, .8333, .625, 0."""
    return shifted(torch.linspace(1, 0, steps + 1), shift)
