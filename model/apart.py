"""Torch's work on a thread that ends with it.

Each thread that calls torch keeps OpenMP threads of its own, as many as there are cores. Where two such
teams exist, OpenMP counts more threads than cores and lets them sleep at every barrier: a denoising step
takes 1.4 times as long (LOG.md). So an engine works on one thread at a time, and none of them stays.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What `work()` returns or raises, run on a thread of its own."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    thread = threading.Thread(target=run, name="apart", daemon=True)
    thread.start()
    thread.join()
    return done.result()
