"""Work on a batch by all cores of a CPU, each of which takes its share of the examples."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

T = TypeVar("T")


class Cores:
    """Threads of which each works alone. Most kernels of a small model are too small to be worth a second
    core each; whole forwards and backwards side by side keep both busy (LOG.md)."""

    def __init__(self) -> None:
        self.count = torch.get_num_threads()
        one_thread = partial(torch.set_num_threads, 1)  # each of these threads; the others keep theirs
        self._threads = ThreadPoolExecutor(self.count, "core", initializer=one_thread)

    def each(self, examples: int, work: Callable[[slice], T]) -> list[T]:
        """What `work` makes of each share of so many examples, in their order; no share is empty, and they
        differ by one at most."""
        shares = min(self.count, examples)
        ends = [examples * share // shares for share in range(shares + 1)]
        return list(self._threads.map(work, map(slice, ends, ends[1:])))
