"""What has expired goes, record and files; what lives stays, however old."""

from __future__ import annotations

import threading
import time

import pytest
from redis import Redis

from tests.contract.specs import segment, spec
from worker import sweep as sweeping
from worker.contract import keys
from worker.contract.errors import NotFound, Unavailable
from worker.contract.job import JobState
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.sweep import sweep


def rendered(store: JobStore, storage: Storage, *, end: bool = True) -> str:
    """A job with one window, ended or still running."""
    job_id = store.create(spec(webhook_url=None), windows_total=1).id
    token = store.take(job_id, "worker-0")
    assert token is not None
    storage.put(keys.segment(job_id, 0), b"segment", "video/iso.segment")
    store.commit_window(job_id, token, segment(job_id, 0), timings={})
    if end:
        store.finish(job_id, token, JobState.SUCCEEDED)
    return job_id


def age(redis: Redis, seconds: float) -> None:
    for job_id, ended in redis.zrange(keys.FINISHED, 0, -1, withscores=True):
        redis.zadd(keys.FINISHED, {job_id: ended - seconds})


def test_only_what_ended_long_ago_goes(store: JobStore, storage: Storage, redis: Redis) -> None:
    old = rendered(store, storage)
    age(redis, 100)
    fresh, running = rendered(store, storage), rendered(store, storage, end=False)
    waiting = store.create(spec(), windows_total=1).id
    assert sweep(store, storage, 60) == [old]
    with pytest.raises(NotFound):
        store.get(old)
    assert not storage.exists(keys.segment(old, 0))
    for job_id in (fresh, running):
        assert storage.exists(keys.segment(job_id, 0))
    assert [store.get(job_id).state for job_id in (fresh, running, waiting)] == [
        JobState.SUCCEEDED,
        JobState.RUNNING,
        JobState.QUEUED,
    ]
    assert sweep(store, storage, 60) == []


def test_files_are_not_forgotten_when_storage_is_away(
    store: JobStore, storage: Storage, redis: Redis, settings: Settings
) -> None:
    job_id = rendered(store, storage)
    age(redis, 100)
    away = Storage(settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"}))
    with pytest.raises(Unavailable):
        sweep(store, away, 60)
    assert storage.exists(keys.segment(job_id, 0))
    assert sweep(store, storage, None) == []
    assert not storage.exists(keys.segment(job_id, 0))
    assert store.trash() == []


def test_it_sweeps_by_itself(store: JobStore, storage: Storage) -> None:
    stop = threading.Event()
    job_id = rendered(store, storage)
    thread = sweeping.start(store, storage, 0.5, stop)
    until = time.monotonic() + 10
    while storage.exists(keys.segment(job_id, 0)) or store.ended_before(time.time()):
        assert time.monotonic() < until, "it was not swept"
        time.sleep(0.05)
    stop.set()
    thread.join(timeout=5)
