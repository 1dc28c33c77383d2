"""A batch's gradients by all cores of a CPU."""

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor, nn

from model.train.cores import Cores


class Shared:
    """Adds to the gradients of `weights` those of functions that return a loss, the mean over a batch."""

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self._weights, self._cores = weights, Cores()

    def run(
        self, _name: Hashable, loss_of: Callable[..., Tensor], weight: float, *given: Tensor | None
    ) -> Tensor:
        """`loss_of(*given)`, whose gradients count `weight` times; what is given has one row for each
        example."""
        count = next(len(one) for one in given if one is not None)

        def own(share: slice) -> tuple[float, Tensor, Sequence[Tensor | None]]:
            loss = loss_of(*(None if one is None else one[share] for one in given))
            # Not backward(): two threads that add to one gradient would lose some of it.
            gradients = torch.autograd.grad(loss, self._weights, allow_unused=True)
            return (share.stop - share.start) / count, loss.detach(), gradients

        shares = self._cores.each(count, own)
        for part, _, gradients in shares:
            add_gradients(self._weights, gradients, weight * part)
        return torch.stack([part * loss for part, loss, _ in shares]).sum()


def add_gradients(weights: Sequence[nn.Parameter], gradients: Sequence[Tensor | None], scale: float) -> None:
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is not None:
            scaled = scale * gradient
            weight.grad = scaled if weight.grad is None else weight.grad.add_(scaled)
