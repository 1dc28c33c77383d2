"""A worker's resident parts around the tiny engine, on the real servers of the suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.worker.tiny_engine import FPS, TinyEngine, plan
from worker.contract.job import Job, JobSpec, Shot
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.resident import Resident


@pytest.fixture
def resident(store: JobStore, storage: Storage, settings: Settings) -> Callable[..., Resident]:
    """`resident(engine, **settings)`: what a worker process would hold."""

    def build(engine: TinyEngine | None = None, *, worker: str = "worker-0", **changed: object) -> Resident:
        return Resident(engine or TinyEngine(), store, storage, settings.model_copy(update=changed), worker)

    return build


@pytest.fixture
def accept(store: JobStore) -> Callable[..., Job]:
    """`accept(num_frames, **spec)`: a job as the API would have accepted it."""

    def create(num_frames: int = 60, **changed: object) -> Job:
        seconds = num_frames / FPS
        shots = (Shot("stripes", seconds),)
        spec = JobSpec("stripes", "mini", "64x64", seconds, num_frames, FPS, 7, shots)
        return store.create(replace(spec, **changed), windows_total=len(plan(num_frames)))

    return create
