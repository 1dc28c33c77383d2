"""A Redis without room: what is new is refused whole, what was accepted is kept and goes on later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from tests.contract.specs import segment, spec
from tests.contract.store_laws import Snapshot, check
from worker.contract import keys, queue
from worker.contract.errors import LeaseLost
from worker.contract.job import JobError, JobState
from worker.contract.settings import Settings
from worker.contract.store import JobStore
from worker.lease import Lease
from worker.local.redis import RedisServer, start_redis

LEASE_SECONDS = 0.6


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("small"))
    yield server
    server.stop()


@pytest.fixture
def small(small_server: RedisServer) -> Iterator[Redis]:
    """A client of a server of its own, which has room at first."""
    with queue.connect(Settings(redis_url=small_server.url), patient=False) as client:
        client.config_set("maxmemory", 0)
        client.flushdb()
        yield client


@pytest.fixture
def kept(small: Redis) -> JobStore:
    return JobStore(small, Settings(lease_seconds=LEASE_SECONDS))


@contextmanager
def full(redis: Redis) -> Iterator[None]:
    """As much room as is used already, less a little."""
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 0.9))
    try:
        yield
    finally:
        redis.config_set("maxmemory", 0)


def everything(redis: Redis) -> list[bytes]:
    return sorted(redis.keys("*"))


def test_a_job_is_refused_without_a_trace(kept: JobStore, small: Redis) -> None:
    with full(small), pytest.raises(OutOfMemoryError):
        kept.create(spec(), windows_total=2, idempotency=("key", "body"))
    assert everything(small) == []
    kept.create(spec(), windows_total=2)
    names, before = everything(small), Snapshot.of(small)
    with full(small), pytest.raises(OutOfMemoryError):
        kept.create(spec(), windows_total=2, idempotency=("key", "body"))
    assert everything(small) == names
    assert Snapshot.of(small) == before
    job = kept.create(spec(), windows_total=2, idempotency=("key", "body"))
    assert (job.position, queue.entries(small, "mini")) == (2, 2)


def test_no_step_is_done_by_half(kept: JobStore, small: Redis) -> None:
    """Either it raises and nothing changed, or it was done as if there were room."""
    job = kept.create(spec(), windows_total=2)
    token = kept.take(job.id, "worker-0")
    assert token is not None
    kept.commit_window(job.id, token, segment(job.id, 0), timings={})
    waiting = kept.create(spec(), windows_total=2)
    (started, *_) = kept.take_due()
    steps = [
        lambda: kept.take(waiting.id, "worker-1"),
        lambda: kept.renew(job.id, token),
        lambda: kept.set_artifact(job.id, token, "video_key", "v"),
        lambda: kept.commit_window(job.id, token, segment(job.id, 1), timings={}),
        lambda: kept.leave(job.id, token),
        lambda: kept.leave(job.id, token, after_error=True),
        lambda: kept.leave(job.id, token, giving_way=True),
        lambda: kept.finish(job.id, token, JobState.SUCCEEDED, artifacts={"video_key": "v"}),
        lambda: kept.finish(job.id, token, JobState.FAILED, error=JobError("engine_error", "no")),
        lambda: kept.request_cancel(job.id),
        lambda: kept.take_due(time.time() + 999),
        lambda: kept.retry_later(started.webhook_id, time.time() + 5, reason="answered 500"),
        lambda: kept.dead_letter(started.webhook_id, reason="answered 410"),
        lambda: kept.requeue(waiting.id),
    ]
    before, names = Snapshot.of(small), everything(small)
    with full(small):
        for step in steps:
            with pytest.raises(OutOfMemoryError):
                step()
            assert Snapshot.of(small) == before
            assert queue.entries(small, "mini") == 2
    assert [name for name in everything(small) if name != b"rq:queues"] == [
        name for name in names if name != b"rq:queues"
    ]
    small.delete(keys.lease(job.id))
    before = Snapshot.of(small)
    with full(small), pytest.raises(OutOfMemoryError):
        kept.requeue(job.id)
    assert Snapshot.of(small) == before


def test_what_makes_room_is_done(kept: JobStore, small: Redis) -> None:
    waiting, lost, old = (kept.create(spec(), windows_total=2) for _ in range(3))
    token = kept.take(lost.id, "worker-0")
    small.delete(keys.lease(lost.id))
    (started,) = kept.take_due()
    sent: set[str] = set()
    with full(small):
        for job_id in (waiting.id, lost.id):
            before = Snapshot.of(small)
            assert kept.request_cancel(job_id).state is JobState.CANCELED
            check(before, Snapshot.of(small), sent)
        kept.delete(old.id)
        sent.add(started.webhook_id)
        kept.mark_sent(started.webhook_id)
    check(Snapshot.of(small), Snapshot.of(small), sent)
    assert token is not None
    assert sorted(entry.type for entry in kept.take_due()) == ["video.canceled", "video.canceled"]


def test_a_running_job_loses_its_slice_and_goes_on_when_there_is_room(kept: JobStore, small: Redis) -> None:
    job = kept.create(spec(), windows_total=2)
    token = kept.take(job.id, "worker-0")
    assert token is not None
    kept.set_artifact(job.id, token, "image_key", "i")
    with Lease(kept, job.id, token, lease_seconds=LEASE_SECONDS) as lease:
        kept.commit_window(job.id, token, segment(job.id, 0), timings={})
        with full(small):
            with pytest.raises(OutOfMemoryError):
                kept.commit_window(job.id, token, segment(job.id, 1), timings={})
            lease.check()  # not yet
            time.sleep(LEASE_SECONDS * 1.5)
            with pytest.raises(LeaseLost):
                lease.check()
            assert kept.expired() == [job.id]
            with pytest.raises(OutOfMemoryError):
                kept.requeue(job.id)
            with pytest.raises(OutOfMemoryError):
                kept.take(job.id, "worker-1")
            assert kept.get(job.id).windows_done == 1
        time.sleep(LEASE_SECONDS / 2)  # there is room again, but who was told of the loss has given up
        assert kept.expired() == [job.id]
    assert [lost for lost in kept.expired() if kept.requeue(lost)] == [job.id]
    token = kept.take(job.id, "worker-1")
    assert token is not None
    resumed = kept.get(job.id)
    assert (resumed.windows_done, resumed.windows_redone, resumed.attempts) == (1, 1, 2)
    kept.commit_window(job.id, token, segment(job.id, 1), timings={})
    assert kept.finish(job.id, token, JobState.SUCCEEDED).state is JobState.SUCCEEDED


def test_a_short_shortage_costs_no_slice(kept: JobStore, small: Redis) -> None:
    job = kept.create(spec(), windows_total=2)
    token = kept.take(job.id, "worker-0")
    assert token is not None
    with Lease(kept, job.id, token, lease_seconds=2.0) as lease:
        with full(small):
            time.sleep(0.9)  # longer than a third of the lease: one renewal fails
        time.sleep(1.4)
        lease.check()
        kept.commit_window(job.id, token, segment(job.id, 0), timings={})
    assert kept.get(job.id).windows_redone == 0
