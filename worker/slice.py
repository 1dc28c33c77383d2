"""A slice: what runs between taking a job and leaving it.

Crash recovery, retry and rolling deploy are one path: take the lease, read the last committed window, go on
from there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load

from worker import finish
from worker.contract import keys
from worker.contract.errors import EngineFailure
from worker.contract.job import Job, JobState
from worker.lease import Lease
from worker.publish import Publisher, outlast
from worker.resident import Outcome, Resident
from worker.settle import leave, settle
from worker.timings import Timings

log = logging.getLogger(__name__)

_resident: Resident | None = None


def install(resident: Resident) -> None:
    """Make the engine of this process known to `generate`: the queue can pass nothing but a job's id."""
    global _resident
    _resident = resident


def generate(job_id: str) -> None:
    """The queue's entry point: one slice on the resident engine."""
    if _resident is None:
        raise RuntimeError("no engine in this process; start it with `python -m worker.main`")
    outcome = run_slice(_resident, job_id)
    log.info("slice of %s: %s", job_id, outcome)
    if outcome is Outcome.LEFT:
        _resident.store.requeue(job_id)


def run_slice(resident: Resident, job_id: str) -> Outcome:
    """Take the job, go on from its last committed window, and leave it ended or queued."""
    store, settings = resident.store, resident.settings
    token = store.take(job_id, resident.worker)
    if token is None:
        return Outcome.REFUSED
    job = store.get(job_id)
    timings = Timings(job)
    with (
        Lease(
            store, job_id, token, lease_seconds=settings.lease_seconds, deadline_at=job.spec.deadline_at
        ) as lease,
        tempfile.TemporaryDirectory(prefix="slice-") as folder,
    ):
        scratch = Path(folder)
        publisher = Publisher(store, resident.storage, job, lease, timings, scratch)
        try:
            with publisher:
                complete = _render(resident, job, lease, timings, publisher)
            if not complete:
                return leave(resident, job, token)
            _finish(resident, job, lease, timings, publisher, scratch)
            return Outcome.SUCCEEDED
        except Exception as error:
            return settle(error, resident, job, token, timings, publisher)


def _render(resident: Resident, job: Job, lease: Lease, timings: Timings, publisher: Publisher) -> bool:
    """Generate and publish the windows that are missing. False: left at a boundary, more is to do."""
    spec, start_window = job.spec, len(job.segments)
    lease.check()
    if start_window == job.windows_total:
        return True
    picture = _first_image(resident, job, lease, timings)
    state = load(resident.storage.get(keys.window_state(job.id, start_window - 1))) if start_window else None
    windows = resident.engine.generate(
        spec.shots,
        picture,
        num_frames=spec.num_frames,
        seed=spec.seed,
        start_window=start_window,
        state=state,
        check=lease.check,
    )
    with contextlib.closing(windows):
        for window in windows:
            publisher.submit(window)
            lease.check()
            if resident.stopping.is_set() and window.index + 1 < job.windows_total:
                publisher.drain()
                return False
    publisher.drain()
    return True


def _first_image(resident: Resident, job: Job, lease: Lease, timings: Timings) -> np.ndarray:
    """The picture the video starts from, uint8 [H, W, 3]: given, painted by an earlier slice, or now."""
    key = job.image_key or job.spec.image_key
    if key is not None:
        if job.image_key is None:
            resident.store.set_artifact(job.id, lease.token, "image_key", key)
        with Image.open(io.BytesIO(resident.storage.get(key))) as picture:
            return np.asarray(picture.convert("RGB"))
    with timings.measure("text_to_image"):
        painted = resident.engine.paint(job.spec.prompt, seed=job.spec.seed, check=lease.check)
    buffer = io.BytesIO()
    Image.fromarray(painted).save(buffer, "PNG")
    key = keys.image(job.id)
    outlast(lambda: resident.storage.put(key, buffer.getvalue(), "image/png"), lease.check)
    resident.store.set_artifact(job.id, lease.token, "image_key", key)
    return painted


def _finish(
    resident: Resident, job: Job, lease: Lease, timings: Timings, publisher: Publisher, scratch: Path
) -> None:
    """All windows are committed: store what a finished video consists of, then say so."""
    spec, segments = job.spec, tuple(publisher.segments)

    def put(key: str, data: bytes | Path, content_type: str) -> None:
        lease.check()
        outlast(lambda: resident.storage.put(key, data, content_type), lease.check)

    with timings.measure("finish"):
        joined, video = scratch / "joined.mp4", scratch / "video.mp4"
        finish.join(resident.storage, segments, scratch, joined)
        frames = finish.remux(joined, video)
        if frames != spec.num_frames:
            told = f"{frames} frames were rendered where {spec.num_frames} were asked for"
            raise EngineFailure("engine_error", told)
        thumbnail, sprites = finish.pictures(joined)
        put(keys.video(job.id), video, "video/mp4")
        put(keys.thumbnail(job.id), thumbnail, "image/jpeg")
        put(keys.sprites(job.id), sprites, "image/jpeg")
        publisher.put_playlist(ended=True)
    document = finish.manifest(job, segments, resident.engine.describe(), timings.snapshot(finished=True))
    put(keys.manifest(job.id), document, "application/json")
    artifacts = {
        "video_key": keys.video(job.id),
        "thumbnail_key": keys.thumbnail(job.id),
        "sprites_key": keys.sprites(job.id),
    }
    resident.store.finish(
        job.id, lease.token, JobState.SUCCEEDED, artifacts=artifacts, timings=timings.snapshot(finished=True)
    )
