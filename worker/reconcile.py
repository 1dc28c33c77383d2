"""Put back into the queue what fell out of it.

A record says queued while no queue entry names it (a kill between two steps), or says running while nobody
holds its lease (a dead worker). Every worker and the hooks worker run this; any number may, since each step
is checked in Redis.
"""

from __future__ import annotations

import logging
import threading

from redis.exceptions import RedisError

from worker.contract import logs
from worker.contract.store import JobStore

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.5


def reconcile(store: JobStore) -> list[str]:
    """One look around. Returns the ids that were queued again."""
    return [job_id for job_id in store.expired() if store.requeue(job_id)]


def start(store: JobStore, stop: threading.Event) -> threading.Thread:
    """Reconcile every `EVERY_SECONDS` on a daemon thread until `stop` is set."""
    thread = threading.Thread(target=_run, args=(store, stop), name="reconcile", daemon=True)
    thread.start()
    return thread


def _run(store: JobStore, stop: threading.Event) -> None:
    while not stop.wait(EVERY_SECONDS):
        try:
            for job_id in reconcile(store):
                with logs.about(job_id=job_id):
                    log.warning("%s was lost and is queued again", job_id)
        except RedisError as error:
            log.warning("could not look for lost jobs: %s", error)
