"""A step of a training as a CUDA graph: thousands of small kernels, which take longer to launch than to
run."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WARM_UP = 2  # runs that choose kernels and make workspaces, which a recording can't


@dataclass(frozen=True)
class Recording:
    graph: torch.cuda.CUDAGraph
    given: tuple[Tensor | None, ...]
    result: Tensor


class Recorded:
    """Adds to the gradients of `weights`, on a GPU, those of functions that return a loss. Each is recorded
    once for every shape of what it is given, and then replayed.

    The gradients stay where they are: they are to be set to zero, not to None.
    """

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self._weights = weights
        self._recordings: dict[Hashable, Recording] = {}
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        self._pool = torch.cuda.graph_pool_handle()

    def run(
        self, name: Hashable, loss_of: Callable[..., Tensor], weight: float, *given: Tensor | None
    ) -> Tensor:
        """`loss_of(*given)`, whose gradients count `weight` times. Under one `name` it must be the same
        function: what isn't given is part of the recording."""
        key = (name, weight, tuple(None if one is None else (one.shape, one.dtype) for one in given))
        if key not in self._recordings:
            self._recordings[key] = self._record(loss_of, weight, given)
        recording = self._recordings[key]
        for place, one in zip(recording.given, given, strict=True):
            if place is not None and one is not None:
                place.copy_(one, non_blocking=True)
        recording.graph.replay()
        return recording.result.clone()

    def _record(
        self, loss_of: Callable[..., Tensor], weight: float, given: tuple[Tensor | None, ...]
    ) -> Recording:
        def work() -> Tensor:
            loss = loss_of(*places)
            (weight * loss).backward()
            return loss.detach()

        places = tuple(None if one is None else one.detach().clone() for one in given)
        before = [weight.grad.clone() for weight in self._weights if weight.grad is not None]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # One pool for all: what a recording holds while it runs is of no use to anyone afterwards.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            result = work()
        for own, old in zip(self._weights, before, strict=True):
            assert own.grad is not None
            own.grad.copy_(old)
        return Recording(graph, places, result)
