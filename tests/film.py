"""Films whose every frame shows its own number, made at a test's pace: what a player shows can be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from tests.worker.tiny_engine import FPS, SIZE, TinyEngine, TinyWindow, plan
from worker.contract.job import Job, JobSpec, Shot
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.resident import Resident
from worker.slice import run_slice

BITS = 8
WIDTH = SIZE // BITS


class NumberedEngine(TinyEngine):
    """Bars from left to right are the frame's number in binary, white for 1."""

    def generate(self, *args: Any, **options: Any) -> Iterator[TinyWindow]:
        for window in super().generate(*args, **options):
            numbers = range(window.start_frame, window.start_frame + len(window.frames))
            yield replace(window, frames=np.stack([_bars(number) for number in numbers]))


def _bars(number: int) -> np.ndarray:
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    return np.kron(np.array(bits, np.uint8), np.ones((SIZE, WIDTH), np.uint8))[..., None].repeat(3, axis=2)


NUMBER = f"""(video) => {{
  const canvas = new OffscreenCanvas({SIZE}, {SIZE}).getContext("2d", {{ willReadFrequently: true }});
  canvas.drawImage(video, 0, 0, {SIZE}, {SIZE});
  const row = canvas.getImageData(0, {SIZE // 2}, {SIZE}, 1).data;
  return [...Array({BITS}).keys()].reduce(
    (number, bit) => number | (row[4 * (bit * {WIDTH} + {WIDTH // 2})] > 127) << bit, 0);
}}"""
"""JavaScript: the number of the frame that a video shows."""


@contextmanager
def filming(
    store: JobStore, storage: Storage, settings: Settings, *, seconds: float, window_seconds: float
) -> Iterator[Job]:
    """A job of this length that is being rendered from now on, a window every `window_seconds`."""
    num_frames = round(seconds * FPS)
    shots = (Shot("numbers", seconds),)
    spec = JobSpec("numbers", "mini", f"{SIZE}x{SIZE}", seconds, num_frames, FPS, 7, shots)
    job = store.create(spec, windows_total=len(plan(num_frames)))
    engine = NumberedEngine(step_seconds=window_seconds / 4)
    resident = Resident(engine, store, storage, settings, "worker-0")  # type: ignore[arg-type]
    worker = threading.Thread(target=run_slice, args=(resident, job.id))
    worker.start()
    try:
        yield job
    finally:
        store.request_cancel(job.id)
        worker.join()
