"""Seconds by stage for one job, over all its slices.

Stages: queued (accepted to first taken), text_to_image, first_segment (first taken to first segment
committed), denoise, decode, encode, upload, finish, total (accepted to finished, so queued is in it). Stages
overlap: their sum may exceed the total.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.contract.job import Job
from worker.contract.tracing import tracer


class Timings:
    """Starts from what earlier slices recorded; only adds."""

    def __init__(self, job: Job) -> None:
        self._seconds = dict(job.timings)
        self._created_at = job.created_at
        self._started_at = job.started_at or time.time()
        self._seconds.setdefault("queued", max(0.0, self._started_at - self._created_at))

    def add(self, stage: str, seconds: float) -> None:
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """What happens inside is also a span of that name."""
        started = time.perf_counter()
        try:
            with tracer.start_as_current_span(stage):
                yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def first_segment(self) -> None:
        """Call when a segment is about to be committed; only the first call of a job counts."""
        self._seconds.setdefault("first_segment", max(0.0, time.time() - self._started_at))

    def snapshot(self, *, finished: bool = False) -> dict[str, float]:
        """A rounded copy (ms); with `finished`, the total up to now is in it."""
        if finished:
            self._seconds["total"] = max(0.0, time.time() - self._created_at)
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}
