"""Delete what has expired: jobs that ended longer than `retention_seconds` ago, their files, dead letters.

A job that ended never lives again, so nothing that is swept is in use. Files go before the record: whoever
dies in between leaves a job that the next sweep finds again, not files that nobody knows of.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from redis.exceptions import RedisError

from worker.contract import keys
from worker.contract.errors import Magic141Error, NotFound
from worker.contract.storage import Storage
from worker.contract.store import JobStore

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


def sweep(store: JobStore, storage: Storage, retention_seconds: float) -> list[str]:
    """One round over everything that is due. Returns the ids of the jobs that are gone.

    Raises Unavailable or RedisError; what was not reached is due the next time.
    """
    before = time.time() - retention_seconds
    gone: list[str] = []
    while batch := store.ended_before(before):
        for job_id in batch:
            storage.delete_prefix(keys.video_prefix(job_id))
            with contextlib.suppress(NotFound):  # its owner was faster
                store.delete(job_id)
            gone.append(job_id)
    store.forget_dead_letters(before)
    return gone


def start(
    store: JobStore, storage: Storage, retention_seconds: float, stop: threading.Event
) -> threading.Thread:
    """Sweep every minute, or every tenth of a shorter retention, on a daemon thread until `stop` is set."""
    pause_seconds = min(EVERY_SECONDS, retention_seconds / 10)

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
