"""A batch's gradients by all cores of a CPU, each of which takes its share of the examples."""

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor, nn


class Shared:
    """Adds to the gradients of `weights` those of functions that return a loss, the mean over a batch.

    Most kernels of a small model are too small to be worth a second core each; whole forwards and backwards
    side by side keep both busy (LOG.md).
    """

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self._weights, self._cores = weights, torch.get_num_threads()
        one_thread = partial(torch.set_num_threads, 1)  # each of these threads; the others keep theirs
        self._threads = ThreadPoolExecutor(self._cores, "share", initializer=one_thread)
        for weight in weights:
            weight.grad = torch.zeros_like(weight)

    def run(
        self, _name: Hashable, loss_of: Callable[..., Tensor], weight: float, *given: Tensor | None
    ) -> Tensor:
        """`loss_of(*given)`, whose gradients count `weight` times; what is given has one row for each
        example."""
        count = next(len(one) for one in given if one is not None)
        cores = min(self._cores, count)
        parts = zip(*([None] * cores if one is None else one.chunk(cores) for one in given), strict=True)
        shares = list(self._threads.map(lambda part: self._share(loss_of, weight, count, part), parts))
        for _, gradients in shares:
            for own, gradient in zip(self._weights, gradients, strict=True):
                if gradient is not None:
                    assert own.grad is not None
                    own.grad.add_(gradient)
        return torch.stack([loss for loss, _ in shares]).sum()

    def _share(
        self, loss_of: Callable[..., Tensor], weight: float, count: int, part: tuple[Tensor | None, ...]
    ) -> tuple[Tensor, tuple[Tensor | None, ...]]:
        """Of `part` of `count` examples: what it adds to the mean loss, and to the gradients."""
        share = next(len(one) for one in part if one is not None) / count
        loss = share * loss_of(*part)
        # Not backward(): two threads that add to one gradient would lose some of it.
        return loss.detach(), torch.autograd.grad(weight * loss, self._weights, allow_unused=True)
