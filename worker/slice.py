"""A slice: what runs between taking a job and leaving it.

Crash recovery, retry and rolling deploy are one path: take the lease, read the last committed window, go on
from there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from opentelemetry.trace import SpanKind
from PIL import Image
from redis.exceptions import RedisError
from safetensors.torch import load

from model.windows import Shot
from worker import finish
from worker.contract import keys, logs
from worker.contract.errors import EngineFailure, InvalidRequest, NotFound, Unavailable
from worker.contract.job import Job, JobSpec, JobState
from worker.contract.tracing import resumed, tracer
from worker.contract.trash import empty_trash
from worker.lease import Lease
from worker.publish import Publisher, outlast
from worker.resident import Outcome, Resident
from worker.settle import leave, settle
from worker.timings import Timings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slice:
    """The parts of one slice. `job` is the record as it was when the slice began."""

    resident: Resident
    job: Job
    lease: Lease
    timings: Timings
    publisher: Publisher
    scratch: Path

    def get(self, key: str) -> bytes:
        """From storage, however long it is away (`outlast`)."""
        return outlast(lambda: self.resident.storage.get(key), self.lease.check)

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """Into storage, likewise, and only while the lease is held."""
        self.lease.check()
        outlast(lambda: self.resident.storage.put(key, data, content_type), self.lease.check)


class _Left(Exception):
    """Raised in the engine's `check` when nobody waits for its windows any more."""


_resident: Resident | None = None


def install(resident: Resident) -> None:
    """Make the engine of this process known to `generate`: the queue can pass nothing but a job's id."""
    global _resident
    _resident = resident


def generate(job_id: str) -> None:
    """The queue's entry point: one slice on the resident engine, of the job whose turn it is.

    `job_id` only says why the worker was woken; meanwhile another may have the better claim.
    """
    if _resident is None:
        raise RuntimeError("no engine in this process; start it with `python -m worker.main`")
    outcome = Outcome.REFUSED
    while outcome is Outcome.REFUSED and (first := _next(_resident)) is not None:
        outcome = run_slice(_resident, first)  # refused: another worker was faster
        if outcome is Outcome.LEFT:
            _resident.store.requeue(first)


def _next(resident: Resident) -> str | None:
    return resident.store.first_in_line(resident.settings.model)


def run_slice(resident: Resident, job_id: str) -> Outcome:
    """Take the job, go on from its last committed window, and leave it ended or queued."""
    token = resident.store.take(job_id, resident.worker)
    if token is None:
        return Outcome.REFUSED
    job = resident.store.get(job_id)
    told: dict[str, str | int] = {"job.id": job_id, "worker": resident.worker, "attempt": job.attempts}
    told |= {"window.first": job.windows_done, "windows.total": job.windows_total}
    # The request that posted the job ended long ago, maybe before a worker died: its trace goes on here.
    span = tracer.start_as_current_span("slice", resumed(job.trace), kind=SpanKind.CONSUMER, attributes=told)
    with logs.about(job_id=job_id), span as current:
        outcome = _work(resident, job, token)
        current.set_attribute("outcome", outcome)
        log.info("slice of %s: %s", job_id, outcome)
    return outcome


def _work(resident: Resident, job: Job, token: int) -> Outcome:
    store, settings, job_id = resident.store, resident.settings, job.id
    timings = Timings(job)
    lease = Lease(
        store,
        job_id,
        token,
        lease_seconds=settings.lease_seconds,
        deadline_at=job.spec.deadline_at,
        stall_seconds=settings.stall_seconds,
    )
    with lease, tempfile.TemporaryDirectory(prefix="slice-") as folder:
        publisher = Publisher(store, resident.storage, job, lease, timings, Path(folder))
        at = Slice(resident, job, lease, timings, publisher, Path(folder))
        try:
            with publisher:
                complete = _render(at)
            if not complete:
                return leave(at, giving_way=not resident.stopping.is_set())
            _finish(at)
            return Outcome.SUCCEEDED
        except Exception as error:
            outcome = settle(error, at)
    if outcome is Outcome.LOST:
        _clear_if_deleted(resident, job_id)
    return outcome


def _clear_if_deleted(resident: Resident, job_id: str) -> None:
    """Whoever deletes a job deletes its files, but a window that was on its way then lands behind them."""
    with contextlib.suppress(RedisError, Unavailable):
        try:
            resident.store.get(job_id)
        except NotFound:
            resident.store.discard(job_id)
            empty_trash(resident.store, resident.storage)


def _render(at: Slice) -> bool:
    """Generate and publish the windows that are missing. False: left at a boundary, more is to do."""
    job, spec = at.job, at.job.spec
    start_window = len(job.segments)
    at.lease.check()
    if start_window == job.windows_total:
        return True
    left = threading.Event()

    def check() -> None:
        at.lease.check()
        if left.is_set():
            raise _Left

    picture = _first_image(at)

    def steer(window: int) -> list[Shot]:
        return _shots(at.resident.store.begin_window(job.id, at.lease.token, window))

    state = load(at.get(_last_state(job))) if start_window else None
    windows = at.resident.engine.generate(
        _shots(spec),
        picture,
        num_frames=spec.num_frames,
        seed=spec.seed,
        size=_size(spec),
        start_window=start_window,
        state=state,
        check=check,
        steer=steer,
    )
    with contextlib.closing(windows):  # type: ignore[type-var]  # an engine's iterator is a generator
        for window in windows:
            at.publisher.submit(window)
            at.lease.check()
            if window.index + 1 < job.windows_total and _should_leave(at, window.index + 1 - start_window):
                left.set()  # closing the iterator waits for the engine, which is at work on the next window
                at.publisher.drain()
                return False
    at.publisher.drain()
    return True


def _shots(spec: JobSpec) -> list[Shot]:
    return [Shot(shot.prompt, shot.seconds) for shot in spec.shots]


def _size(spec: JobSpec) -> tuple[int, int]:
    """Height, width."""
    width, height = map(int, spec.size.split("x"))
    return height, width


def _last_state(job: Job) -> str:
    """Where the last committed window, which may be another job's, left its state."""
    last = job.segments[-1]
    return keys.window_state(keys.video_of(last.key) or job.id, last.index)


def _should_leave(at: Slice, windows: int) -> bool:
    """After so many windows of this slice: the process should stop, or another job should have its turn."""
    return at.resident.stopping.is_set() or at.resident.store.outranked(at.job.id, windows)


def _first_image(at: Slice) -> np.ndarray:
    """The picture the video starts from, uint8 [H, W, 3]: given, painted by an earlier slice, or now."""
    job, store = at.job, at.resident.store
    key = job.image_key or job.spec.image_key
    if key is not None:
        if job.image_key is None:
            store.set_artifact(job.id, at.lease.token, "image_key", key)
        with Image.open(io.BytesIO(at.get(key))) as picture:
            return np.asarray(picture.convert("RGB"))
    if at.resident.engine.painter is None:
        told = f"{job.spec.model} is served without a text-to-image model, so give a picture"
        raise InvalidRequest("image_required", told, "image")
    with at.timings.measure("text_to_image"):
        painted = at.resident.engine.paint(
            job.spec.prompt, seed=job.spec.seed, size=_size(job.spec), check=at.lease.check
        )
    buffer = io.BytesIO()
    Image.fromarray(painted).save(buffer, "PNG")
    key = keys.image(job.id)
    at.put(key, buffer.getvalue(), "image/png")
    store.set_artifact(job.id, at.lease.token, "image_key", key)
    return painted


def _finish(at: Slice) -> None:
    """All windows are committed: store what a finished video consists of, then say so."""
    job, segments = at.job, tuple(at.publisher.segments)
    with at.timings.measure("finish"):
        joined, video = at.scratch / "joined.mp4", at.scratch / "video.mp4"
        finish.join(at.get, segments, at.scratch, joined)
        frames = finish.remux(joined, video)
        if frames != job.spec.num_frames:
            told = f"{frames} frames were rendered where {job.spec.num_frames} were asked for"
            raise EngineFailure("engine_error", told)
        thumbnail, sprites = finish.pictures(joined)
        at.put(keys.video(job.id), video, "video/mp4")
        at.put(keys.thumbnail(job.id), thumbnail, "image/jpeg")
        at.put(keys.sprites(job.id), sprites, "image/jpeg")
        at.publisher.end_playlist()
    seconds = at.timings.snapshot(finished=True)
    job = at.resident.store.get(job.id)  # its prompts may have been changed meanwhile
    document = finish.manifest(job, segments, at.resident.engine.describe(), seconds)
    at.put(keys.manifest(job.id), document, "application/json")
    artifacts = {
        "video_key": keys.video(job.id),
        "thumbnail_key": keys.thumbnail(job.id),
        "sprites_key": keys.sprites(job.id),
    }
    at.resident.store.finish(job.id, at.lease.token, JobState.SUCCEEDED, artifacts=artifacts, timings=seconds)
