"""Make one window durable: segment, state, playlist, record, in that order.

Whatever the record tells of lies in storage already, so a reader never finds a name without its bytes, and a
crash at any point leaves either nothing new or everything. Runs one window behind the engine, on its own
thread.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from opentelemetry import trace
from safetensors.torch import save

from worker.contract import keys
from worker.contract.counters import window_counts
from worker.contract.errors import Unavailable
from worker.contract.job import Job, Segment
from worker.contract.playlist import file_name, name_beside, render
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.contract.tracing import tracer
from worker.lease import Lease
from worker.segments import encode_segment
from worker.timings import Timings

if TYPE_CHECKING:
    from model.engine import Window

log = logging.getLogger(__name__)
T = TypeVar("T")

GIVE_UP_SECONDS = 120.0
"""How long an outage of the storage is sat out inside a slice before the job goes back to the queue."""


class Publisher:
    """Publishes windows in the order of `submit`, at most one in flight.

    Args:
        job: the record as it was when the slice began.
        scratch: a folder; every published segment is kept there under its storage name, for the final MP4.
    """

    def __init__(
        self, store: JobStore, storage: Storage, job: Job, lease: Lease, timings: Timings, scratch: Path
    ) -> None:
        self.segments: list[Segment] = list(job.segments)
        self._store = store
        self._storage = storage
        self._job = job
        self._lease = lease
        self._timings = timings
        self._scratch = scratch
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"publish-{job.id}")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The window in flight is finished work: it is committed even when the engine was stopped behind it.
        self._executor.shutdown(wait=True)

    def submit(self, window: Window) -> None:
        """Hand over a window; waits for, and raises the errors of, the one before."""
        self.drain()
        # The thread is the executor's own: its spans and log lines are this slice's by the context.
        self._pending = self._executor.submit(copy_context().run, self._publish, window)

    def drain(self) -> None:
        """Wait until everything submitted is committed.

        Raises:
            LeaseLost: the token was stale.
            Unavailable: the storage stayed away for `GIVE_UP_SECONDS`.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def end_playlist(self) -> None:
        """Write the stored playlist anew with its end mark; nothing when there is no segment."""
        if self.segments:
            self._put_playlist(self.segments, ended=True)

    def _publish(self, window: Window) -> None:
        began = window.made_at - sum(window.seconds.values())
        span = tracer.start_span("window", start_time=_ns(began), attributes={"window.index": window.index})
        with trace.use_span(span, end_on_exit=True):
            for stage, seconds in window.seconds.items():
                made = tracer.start_span(stage, start_time=_ns(began))
                began += seconds
                made.end(_ns(began))
            self._make_durable(window)

    def _make_durable(self, window: Window) -> None:
        self._lease.check()
        job_id, index = self._job.id, window.index
        before = self._timings.snapshot()
        with self._timings.measure("encode"):
            init, media = encode_segment(
                window.frames, start_frame=window.start_frame, fps=self._job.spec.fps, index=index
            )
        segment = Segment(
            index, window.start_frame, len(window.frames), keys.segment(job_id, index), len(media)
        )
        with self._timings.measure("upload"):
            if index == 0:
                self._put(keys.init_segment(job_id), init, "video/mp4")
            self._put(segment.key, media, "video/iso.segment")
            state = save({name: tensor.contiguous() for name, tensor in window.state.items()})
            self._put(keys.window_state(job_id, index), state, "application/octet-stream")
            published = [*self.segments, segment]
            self._put_playlist(published, ended=False)
        for stage, seconds in window.seconds.items():
            self._timings.add(stage, seconds)
        self._timings.first_segment()
        timings = self._timings.snapshot()
        spent = {
            stage: max(0.0, timings[stage] - before.get(stage, 0.0))
            for stage in (*window.seconds, "encode", "upload")
        }
        counts = window_counts(spent, segment.num_frames / self._job.spec.fps)
        with tracer.start_as_current_span("commit"):
            self._store.commit_window(job_id, self._lease.token, segment, timings=timings, counts=counts)
        self.segments = published
        (self._scratch / file_name(segment.key)).write_bytes(media)

    def _put_playlist(self, segments: list[Segment], *, ended: bool) -> None:
        # Names relative to the playlist's own folder: it plays from wherever the folders are copied to.
        text = render(segments, partial(name_beside, self._job.id), fps=self._job.spec.fps, ended=ended)
        self._put(keys.playlist(self._job.id), text.encode(), "application/vnd.apple.mpegurl")

    def _put(self, key: str, data: bytes, content_type: str) -> None:
        outlast(lambda: self._storage.put(key, data, content_type), self._lease.check)


def _ns(unix_seconds: float) -> int:
    return int(unix_seconds * 1e9)


def outlast(action: Callable[[], T], check: Callable[[], None]) -> T:
    """The result of `action`, tried again with growing pauses while the storage is away.

    `check` may end the wait by raising.

    Raises:
        Unavailable: after `GIVE_UP_SECONDS`.
    """
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    delay_seconds = 0.2
    while True:
        try:
            return action()
        except Unavailable as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("storage is away, trying again: %s", error)
        check()
        time.sleep(delay_seconds * random.uniform(0.5, 1.5))
        delay_seconds = min(delay_seconds * 2, 5.0)
