"""Using one item beside the making of the next: windows are decoded while the one after them is denoised."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from model.ahead import ahead

T = TypeVar("T")
U = TypeVar("U")


def beside(items: Iterator[T], use: Callable[[T], U], device: torch.device) -> Iterator[U]:
    """Yields `use(item)` of each item in order, ahead of the reader.

    On CUDA `use` runs on a thread and a stream of its own, once what the item is made of has been computed;
    it has to return things on the CPU, so that nothing of the item is still being read when it is let go. On
    a CPU making and using take turns on one thread: two teams of OpenMP threads slow each other down
    (model.apart).
    """
    if device.type != "cuda":
        yield from ahead(map(use, items))
        return
    stream = torch.cuda.Stream(device)

    def made() -> Iterator[tuple[T, torch.cuda.Event]]:
        for item in items:
            yield item, torch.cuda.current_stream(device).record_event()

    def used(item: tuple[T, torch.cuda.Event]) -> U:
        with torch.cuda.stream(stream):
            stream.wait_event(item[1])
            return use(item[0])

    yield from piped(made(), used)


def piped(items: Iterator[T], use: Callable[[T], U]) -> Iterator[U]:
    """`use(item)` of each item in order; items are made on one thread and used on another."""

    def uses() -> Iterator[U]:
        ready = ahead(items)
        try:
            yield from map(use, ready)
        finally:
            ready.close()  # type: ignore[attr-defined]

    using = uses()
    done = ahead(using)
    try:
        yield from done
    finally:
        done.close()  # type: ignore[attr-defined]
        using.close()  # type: ignore[attr-defined]
