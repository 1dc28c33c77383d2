"""A whole worker process around the tiny engine. Arguments: name, seconds of one of a window's four steps."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch

from tests.worker.tiny_engine import TinyEngine
from worker.contract.logs import start_logging
from worker.contract.settings import Settings
from worker.contract.tracing import start_tracing
from worker.serve import serve


def out_of_memory() -> None:
    raise torch.OutOfMemoryError("tried to allocate 80 GiB")


FAULTS = {
    "error": lambda: 1 / 0,
    "memory": out_of_memory,
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "hang": lambda: time.sleep(3600),
}


def engine(step_seconds: float) -> TinyEngine:
    """One that breaks once as MAGIC141_TEST_FAULT says, `kind:window`: while MAGIC141_TEST_ONCE is a file."""
    kind, _, window = os.environ.get("MAGIC141_TEST_FAULT", "").partition(":")
    once = Path(os.environ.get("MAGIC141_TEST_ONCE", "/nonexistent"))

    def before(index: int) -> None:
        if kind and index == int(window) and once.exists():
            once.unlink()
            FAULTS[kind]()

    return TinyEngine(step_seconds=step_seconds, before_window=before)


if __name__ == "__main__":
    settings = Settings.load()
    start_logging(settings, service="worker", worker=sys.argv[1])
    start_tracing("worker", sys.argv[1])
    sys.exit(serve(engine(float(sys.argv[2])), settings, sys.argv[1]))
