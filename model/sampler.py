"""Euler's method on the probability-flow ODE of rectified flow; the same function serves and distils."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor


def sample(
    velocity: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    sigmas: Tensor,
    check: Callable[[], None] | None = None,
    watch: Callable[[Tensor], None] | None = None,
) -> Tensor:
    """Carries `noise` at sigmas[0] down to sigmas[-1] along `velocity(x, sigma)` = dx/dsigma = eps - x0.

    `check` is called before every step and may raise to stop. `watch` is given what each step takes x0 for.
    """
    x = noise
    for sigma, following in pairwise(sigmas):
        if check is not None:
            check()
        towards = velocity(x, sigma)
        if watch is not None:
            watch(x - sigma * towards)
        x = x + (following - sigma) * towards
    return x
