"""The job store on a real server: leases, tokens, replays, order of the queue."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from tests.contract.specs import segment, spec
from worker.contract import keys, presence
from worker.contract.errors import Conflict, LeaseLost, NotFound, QueueFull
from worker.contract.job import Job, JobError, JobState
from worker.contract.queue import GENERATE, entries, generate_queue
from worker.contract.settings import Settings
from worker.contract.store import JobStore


def accept(store: JobStore, **changes: object) -> Job:
    return store.create(spec(**changes), windows_total=2)


def dump(redis: Redis, job_id: str) -> tuple[object, ...]:
    """All that is kept of a job, to see that nothing changed."""
    return (
        redis.hgetall(keys.job(job_id)),
        redis.lrange(keys.windows(job_id), 0, -1),
        redis.xrange(keys.events(job_id)),
        redis.zrange(keys.OUTBOX, 0, -1),
    )


def test_the_way_of_a_job(store: JobStore) -> None:
    job = accept(store)
    assert (job.state, job.position) == (JobState.QUEUED, 1)
    token = store.take(job.id, "worker-0")
    assert token is not None
    store.set_artifact(job.id, token, "image_key", keys.image(job.id))
    for index in range(2):
        store.commit_window(job.id, token, segment(job.id, index), timings={"denoise": float(index)})
    done = store.finish(
        job.id, token, JobState.SUCCEEDED, artifacts={"video_key": keys.video(job.id)}, timings={"total": 3.0}
    )
    assert (done.state, done.windows_done, done.worker, done.attempts) == (
        JobState.SUCCEEDED,
        2,
        "worker-0",
        1,
    )
    assert (done.timings, done.windows_redone, done.error) == ({"total": 3.0}, 0, None)
    assert Job.from_dict(done.to_dict()) == done
    told = [event.type for event in store.events(job.id)]
    assert told == ["queued", "started", "artifact", "window", "window", "succeeded"]
    later = store.events(job.id, after=store.events(job.id)[3].id)
    assert [event.type for event in later] == ["window", "succeeded"]


def test_accepted_means_in_the_queue_too(store: JobStore, redis: Redis) -> None:
    first, second, urgent = accept(store), accept(store), accept(store, priority=1)
    assert entries(redis, "mini") == 3
    assert [store.get(job.id).position for job in (first, second, urgent)] == [2, 3, 1]
    assert [job.position for job in (first, second, urgent)] == [1, 2, 1]


@pytest.mark.parametrize("model", ["mini", "wan2.1-i2v-4step"])
def test_an_entry_is_what_rq_itself_would_write(store: JobStore, redis: Redis, model: str) -> None:
    job, queue = accept(store, model=model), generate_queue(redis, model)
    ours = queue.jobs[0]
    how = {"timeout": -1, "result_ttl": 0, "failure_ttl": 86400, "description": GENERATE}
    rqs = queue.enqueue_call(GENERATE, (job.id,), **how)
    assert (ours.func_name, ours.args, ours.kwargs, ours.timeout) == (GENERATE, [job.id], {}, -1)
    differ = {b"created_at", b"enqueued_at"}
    mine, theirs = redis.hgetall(ours.key), redis.hgetall(rqs.key)
    assert mine.keys() == theirs.keys()
    assert {name for name, value in mine.items() if value != theirs[name]} <= differ
    assert redis.smembers("rq:queues") == {queue.key.encode()}
    assert abs((ours.enqueued_at - rqs.enqueued_at).total_seconds()) < 60


def test_only_one_of_many_takers_gets_the_lease(store: JobStore) -> None:
    job = accept(store)
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: store.take(job.id, f"worker-{n}"), range(8)))
    assert len([token for token in tokens if token is not None]) == 1
    assert store.get(job.id).attempts == 1


def test_tokens_only_grow(store: JobStore) -> None:
    tokens = []
    for _ in range(3):
        job = accept(store)
        token = store.take(job.id, "worker-0")
        assert token is not None
        store.leave(job.id, token)
        tokens += [token, store.take(job.id, "worker-1")]
    assert tokens == sorted(set(tokens))


STALE_WRITES: list[Callable[[JobStore, str, int], object]] = [
    lambda store, job_id, token: store.commit_window(job_id, token, segment(job_id, 0), timings={}),
    lambda store, job_id, token: store.set_artifact(job_id, token, "image_key", "x"),
    lambda store, job_id, token: store.finish(job_id, token, JobState.SUCCEEDED),
    lambda store, job_id, token: store.leave(job_id, token),
]


@pytest.mark.parametrize("write", STALE_WRITES, ids=["commit", "artifact", "finish", "leave"])
def test_a_stale_token_changes_nothing(
    write: Callable[[JobStore, str, int], object], store: JobStore, redis: Redis
) -> None:
    job = accept(store)
    stale = store.take(job.id, "worker-0")
    assert stale is not None
    redis.delete(keys.lease(job.id))  # as if it had run out
    assert store.requeue(job.id)
    assert store.take(job.id, "worker-1") not in (None, stale)
    before = dump(redis, job.id)
    with pytest.raises(LeaseLost):
        write(store, job.id, stale)
    assert not store.renew(job.id, stale)
    assert dump(redis, job.id) == before


def test_replaying_a_step_changes_nothing(store: JobStore, redis: Redis) -> None:
    job = accept(store)
    token = store.take(job.id, "worker-0")
    assert token is not None
    store.commit_window(job.id, token, segment(job.id, 0), timings={"denoise": 1.0})
    before = dump(redis, job.id)
    store.commit_window(job.id, token, segment(job.id, 0), timings={"denoise": 9.0})
    assert dump(redis, job.id) == before
    store.finish(job.id, token, JobState.FAILED, error=JobError("engine_failure", "no"))
    before = dump(redis, job.id)
    store.finish(job.id, token, JobState.SUCCEEDED)
    store.request_cancel(job.id)
    assert dump(redis, job.id) == before
    assert store.take(job.id, "worker-1") is None


def test_a_window_that_skips_one_is_refused(store: JobStore) -> None:
    job = accept(store)
    token = store.take(job.id, "worker-0")
    assert token is not None
    with pytest.raises(ValueError, match="does not follow"):
        store.commit_window(job.id, token, segment(job.id, 1), timings={})


def test_a_dead_workers_job_is_found_and_goes_on(store: JobStore, redis: Redis) -> None:
    job = accept(store)
    token = store.take(job.id, "worker-0")
    assert token is not None
    store.set_artifact(job.id, token, "image_key", "x")
    store.commit_window(job.id, token, segment(job.id, 0), timings={})
    assert store.expired() == []
    time.sleep(2.2)  # the lease of the test settings is 2 s
    assert store.expired() == [job.id]
    assert store.requeue(job.id)
    assert store.take(job.id, "worker-1") is not None
    resumed = store.get(job.id)
    assert (resumed.windows_done, resumed.windows_redone, resumed.attempts) == (1, 1, 2)
    assert not store.requeue(job.id)


def test_a_renewed_lease_does_not_expire(store: JobStore) -> None:
    job = accept(store)
    token = store.take(job.id, "worker-0")
    assert token is not None
    for _ in range(3):
        time.sleep(0.8)
        assert store.renew(job.id, token)
    assert store.expired() == []


def test_a_job_that_kills_its_workers_fails(store: JobStore, redis: Redis, settings: Settings) -> None:
    job = accept(store)
    for attempt in range(settings.max_attempts):
        assert store.take(job.id, f"worker-{attempt}") is not None
        redis.delete(keys.lease(job.id))
    assert not store.requeue(job.id)
    failed = store.get(job.id)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == "worker_lost"
    assert failed.attempts == settings.max_attempts


def test_a_job_that_gets_on_between_kills_goes_on(store: JobStore, redis: Redis, settings: Settings) -> None:
    job = store.create(spec(), windows_total=9)
    for index in range(settings.max_attempts + 1):
        token = store.take(job.id, "worker-0")
        assert token is not None
        store.commit_window(job.id, token, segment(job.id, index), timings={})
        redis.delete(keys.lease(job.id))
    assert store.requeue(job.id)


def test_leaving_is_no_crash(store: JobStore, settings: Settings) -> None:
    job = accept(store)
    for _ in range(settings.max_attempts + 1):
        token = store.take(job.id, "worker-0")
        assert token is not None
        store.leave(job.id, token)
    left = store.get(job.id)
    assert (left.state, left.windows_redone) == (JobState.QUEUED, 0)


def test_a_queued_job_without_an_entry_is_found(store: JobStore, redis: Redis) -> None:
    job = accept(store)
    redis.delete(keys.rq_list(keys.queue_generate("mini")))
    assert store.expired() == []  # it may be on its way from the queue to a worker
    redis.hset(keys.job(job.id), "queued_at", time.time() - 60)
    assert store.expired() == [job.id]
    assert store.requeue(job.id)
    assert entries(redis, "mini") == 1
    assert store.expired() == []


def test_cancel_before_during_and_after(store: JobStore, redis: Redis) -> None:
    queued = accept(store)
    assert store.request_cancel(queued.id).state is JobState.CANCELED
    assert store.take(queued.id, "worker-0") is None

    running = accept(store)
    token = store.take(running.id, "worker-0")
    assert token is not None
    assert store.request_cancel(running.id).cancel_requested
    assert store.cancel_requested(running.id)
    store.request_cancel(running.id)
    ended = store.finish(
        running.id, token, JobState.CANCELED, error=JobError("canceled", "canceled on request")
    )
    assert ended.state is JobState.CANCELED
    assert [event.type for event in store.events(running.id)].count("cancel_requested") == 1

    orphan = accept(store)
    store.take(orphan.id, "worker-0")
    redis.delete(keys.lease(orphan.id))
    assert store.request_cancel(orphan.id).state is JobState.CANCELED


def test_a_deleted_job_stops_its_worker_and_still_sends_its_webhook(store: JobStore, redis: Redis) -> None:
    job = accept(store, webhook_events=("video.canceled",))
    token = store.take(job.id, "worker-0")
    assert token is not None
    redis.delete(keys.lease(job.id))
    store.request_cancel(job.id)
    store.delete(job.id)
    with pytest.raises(NotFound):
        store.get(job.id)
    assert store.cancel_requested(job.id)
    with pytest.raises(LeaseLost):
        store.commit_window(job.id, token, segment(job.id, 0), timings={})
    assert [entry.type for entry in store.take_due()] == ["video.canceled"]
    assert redis.keys(f"{keys.job(job.id)}*") == []


def test_idempotency(store: JobStore, redis: Redis) -> None:
    first = store.create(spec(), windows_total=2, idempotency=("key", "body"))
    assert store.create(spec(), windows_total=2, idempotency=("key", "body")).id == first.id
    assert entries(redis, "mini") == 1
    with pytest.raises(Conflict):
        store.create(spec(), windows_total=2, idempotency=("key", "other body"))
    other = store.create(spec(owner="somebody else"), windows_total=2, idempotency=("key", "body"))
    assert other.id != first.id


def test_the_queue_has_a_limit(redis: Redis, settings: Settings) -> None:
    store = JobStore(redis, settings.model_copy(update={"queue_limit": 2}))
    accept(store)
    accept(store)
    with pytest.raises(QueueFull) as refused:
        accept(store)
    assert refused.value.retry_after >= 1


def test_pages_by_age_owner_status_and_metadata(store: JobStore) -> None:
    mine = [accept(store, owner="me", metadata={"n": str(n)}).id for n in range(5)]
    accept(store, owner="you")
    store.request_cancel(mine[2])
    page, more = store.list("me", limit=2)
    assert ([job.id for job in page], more) == ([mine[4], mine[3]], True)
    page, more = store.list("me", limit=3, after=mine[3])
    assert ([job.id for job in page], more) == ([mine[2], mine[1], mine[0]], False)
    assert [job.id for job in store.list("me", order="asc", limit=5)[0]] == mine
    assert [job.id for job in store.list("me", status=JobState.CANCELED)[0]] == [mine[2]]
    assert [job.id for job in store.list("me", metadata={"n": "1"})[0]] == [mine[1]]


def test_eta_is_measured_and_tells_its_error(store: JobStore) -> None:
    job = store.create(spec(), windows_total=3)
    assert store.eta(job) is None
    token = store.take(job.id, "worker-0")
    assert token is not None
    for index, pause in enumerate((0.0, 0.2, 0.4)):
        time.sleep(pause)
        store.commit_window(job.id, token, segment(job.id, index), timings={})
    window = store.window_seconds("mini")
    assert window is not None
    assert 0.29 < window.seconds < 1.0
    assert 0.05 < window.error < 0.5
    waits = accept(store)
    assert store.eta(waits) == pytest.approx(window.times(2))  # the running one has no window left
    behind = accept(store)
    assert store.eta(behind) == pytest.approx(window.times(4))


def test_workers_are_listed_while_they_live(store: JobStore) -> None:
    store.worker_seen("worker-0", {"model": "mini"})
    store.worker_seen("worker-1", {"model": "mini"}, ttl=0.1)
    assert sorted(store.workers()) == ["worker-0", "worker-1"]
    time.sleep(0.2)
    assert store.workers() == {"worker-0": {"model": "mini"}}


def test_that_a_picture_is_painted_is_known_from_memory_that_none_is_only_from_redis(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "FRESH_SECONDS", 60.0)
    assert store.paints("mini")  # nobody is there to ask
    for paints in (False, True):
        store.worker_seen("worker-0", {"model": "mini", "paints": paints})
        assert store.paints("mini") == paints
    store.worker_seen("worker-0", {"model": "mini", "paints": False})
    assert store.paints("mini")
    monkeypatch.setattr(presence, "FRESH_SECONDS", 0.0)
    assert not store.paints("mini")
