"""An iterator that works one item ahead of its reader, so that making and using overlap."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()
T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yields what `items` yields while a thread already makes the next one.

    An exception in `items` is raised here at its place in the order. Closing this iterator stops the thread
    at its next item.
    """
    handed: queue.Queue = queue.Queue(maxsize=1)
    closed = threading.Event()

    def give(item: object) -> None:
        while not closed.is_set():
            try:
                return handed.put(item, timeout=0.1)
            except queue.Full:
                continue

    def run() -> None:
        try:
            for item in items:
                give(item)
                if closed.is_set():
                    return
            give(_END)
        except BaseException as error:
            give(_Failed(error))

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := handed.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        closed.set()
        thread.join()
