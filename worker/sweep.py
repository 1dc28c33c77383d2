"""Delete what has expired (jobs that ended longer than `retention_seconds` ago, dead letters), and files
that nobody needs any more.

A job that ended never lives again, so nothing that is swept is in use. Its record goes in one step with a
note of its files: whoever dies before they are deleted leaves the note to the next sweep.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time

from redis.exceptions import RedisError

from worker.contract.errors import Magic141Error, NotFound
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.contract.trash import empty_trash

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


def sweep(store: JobStore, storage: Storage, retention_seconds: float | None) -> list[str]:
    """One round over everything that is due; without a retention, over the files. Returns the ids of the
    jobs that are gone.

    Raises Unavailable or RedisError; what was not reached is due the next time.
    """
    gone: list[str] = []
    before = 0.0 if retention_seconds is None else time.time() - retention_seconds
    while batch := store.ended_before(before):
        for job_id in batch:
            with contextlib.suppress(NotFound):  # its owner was faster
                store.delete(job_id)
            gone.append(job_id)
    store.forget_dead_letters(before)
    empty_trash(store, storage)
    return gone


def start(
    store: JobStore, storage: Storage, retention_seconds: float | None, stop: threading.Event
) -> threading.Thread:
    """Sweep every minute, or every tenth of a shorter retention, on a daemon thread until `stop` is set."""
    pause_seconds = min(EVERY_SECONDS, (retention_seconds or math.inf) / 10)

    def run() -> None:
        while not stop.wait(pause_seconds):
            try:
                if gone := sweep(store, storage, retention_seconds):
                    log.info("%d jobs have expired", len(gone))
            except (RedisError, Magic141Error) as error:
                log.warning("could not sweep: %s", error)

    thread = threading.Thread(target=run, name="sweep", daemon=True)
    thread.start()
    return thread
