"""The right to work on one job, kept alive while the work runs.

Redis knows who holds a job; this is the holder's side of it. One thread renews the lease and reads the cancel
flag, so the engine's `check` (called at every denoising step) only looks at memory. Work that stands still,
without a check, would keep its lease for ever: a timer of faulthandler's, which needs neither the interpreter
nor its lock, then ends the process and says where every thread was.
"""

from __future__ import annotations

import faulthandler
import logging
import threading
import time
from contextvars import copy_context
from types import TracebackType

from redis.exceptions import RedisError

from worker.contract.errors import DeadlinePassed, JobCanceled, LeaseLost
from worker.contract.store import JobStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.025  # a cancel may be late by this; a look costs Redis one GET


class Lease:
    """Renews while the `with` block runs; `check()` says whether to go on.

    Args:
        token: the fencing token that `JobStore.take` gave.
        lease_seconds: how long the lease lives without renewal; it is renewed every third of that.
        deadline_at: unix time after which the job is not worth finishing, or None.
        stall_seconds: without a check for so long the process ends, status 1; None: never.
    """

    def __init__(
        self,
        store: JobStore,
        job_id: str,
        token: int,
        *,
        lease_seconds: float,
        deadline_at: float | None = None,
        stall_seconds: float | None = None,
    ) -> None:
        self.job_id = job_id
        self.token = token
        self._store = store
        self._lease_seconds = lease_seconds
        self._deadline_at = deadline_at
        self._stall_seconds = stall_seconds
        self._held_until = time.monotonic() + lease_seconds
        self._lost = False
        self._cancel = False
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"lease-{job_id}", daemon=True
        )

    def __enter__(self) -> Lease:
        self._alive()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._stall_seconds is not None:
            faulthandler.cancel_dump_traceback_later()
        # Not joined for long: the thread may sit in a Redis outage, and it holds nothing but a connection.
        self._thread.join(timeout=1)

    def check(self) -> None:
        """Raise what should stop the work; return when there is nothing.

        Raises:
            LeaseLost: another worker may have the job. Also when no renewal came through for a whole lease:
                the clock here counts from before the last renewal was sent, so this side gives up first.
            JobCanceled: somebody asked for it.
            DeadlinePassed: the job's deadline is over.
        """
        self._alive()
        if self._lost or time.monotonic() > self._held_until:
            self._lost = True  # whoever was told so gives up: it may not come back
            raise LeaseLost("lease_lost", f"the lease on {self.job_id} ran out")
        if self._cancel:
            raise JobCanceled("canceled", "canceled on request")
        if self._deadline_at is not None and time.time() > self._deadline_at:
            raise DeadlinePassed("deadline_passed", "the job's deadline passed before it was finished")

    def _alive(self) -> None:
        if self._stall_seconds is not None and not self._done.is_set():
            faulthandler.dump_traceback_later(self._stall_seconds, exit=True)

    def _keep(self) -> None:
        renew_at = time.monotonic() + self._lease_seconds / 3
        while not self._done.wait(POLL_SECONDS) and not self._lost:
            try:
                if not self._cancel and self._store.cancel_requested(self.job_id):
                    self._cancel = True
                sent = time.monotonic()
                if sent >= renew_at:
                    if not self._store.renew(self.job_id, self.token):
                        self._lost = True
                        return
                    self._held_until = sent + self._lease_seconds
                    renew_at = sent + self._lease_seconds / 3
            except RedisError as error:
                log.warning("lease on %s not renewed yet: %s", self.job_id, error)
