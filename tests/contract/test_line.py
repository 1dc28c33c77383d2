"""Whose turn it is: priority, then the owner's share, then age; and nobody waits for ever."""

import random
from itertools import pairwise

from redis import Redis

from tests.contract.specs import segment, spec
from worker.contract import keys
from worker.contract.job import Job, JobState
from worker.contract.settings import Settings
from worker.contract.store import JobStore


def accept(store: JobStore, windows: int, **changes) -> Job:
    return store.create(spec(**changes), windows_total=windows)


class Worker:
    """Works the line as a real one does, a window being one unit of time."""

    def __init__(self, store: JobStore, name: str = "worker-0") -> None:
        self.store, self.name = store, name
        self.job: Job | None = None
        self.ended: list[str] = []

    def window(self) -> str | None:
        """Renders one window of the job whose turn it is; returns the job's id."""
        store = self.store
        if self.job is None:
            first = store.first_in_line("mini")
            if first is None:
                return None
            token = store.take(first, self.name)
            assert token is not None
            self.token, self.job, self.windows = token, store.get(first), 0
        job_id = self.job.id
        done = store.get(job_id).windows_done
        job = store.commit_window(job_id, self.token, segment(job_id, done), timings={})
        self.windows += 1
        if job.windows_done == job.windows_total:
            store.finish(job_id, self.token, JobState.SUCCEEDED)
            self.ended.append(job_id)
            self.job = None
        elif store.outranked(job_id, self.windows):
            store.leave(job_id, self.token, giving_way=True)
            self.job = None
        return job_id


def test_a_short_job_waits_for_one_slice_of_a_long_one(store: JobStore, settings: Settings) -> None:
    long, worker = accept(store, 60), Worker(store)
    for _ in range(2):
        worker.window()
    short = accept(store, 2)
    turns = [worker.window() for _ in range(10)]
    assert turns.index(short.id) == settings.slice_windows - 2
    assert turns.count(short.id) == 2
    assert worker.ended == [short.id]
    while worker.window():
        pass
    assert worker.ended == [short.id, long.id]
    assert store.get(long.id).attempts == 2


def test_a_lone_job_is_never_interrupted(store: JobStore) -> None:
    job, worker = accept(store, 60), Worker(store)
    while worker.window():
        pass
    assert (worker.ended, store.get(job.id).attempts) == ([job.id], 1)


def test_a_higher_priority_goes_first_at_once_and_a_lower_one_last(store: JobStore) -> None:
    normal, worker = accept(store, 12), Worker(store)
    worker.window()
    low, high = accept(store, 2, priority=-1), accept(store, 8, priority=5)
    assert worker.window() == normal.id  # the window that was begun
    assert [worker.window() for _ in range(8)] == [high.id] * 8
    while worker.window():
        pass
    assert worker.ended == [high.id, normal.id, low.id]


def test_owners_share_alike_however_many_jobs_they_have(store: JobStore) -> None:
    crowd = [accept(store, 12, owner="many").id for _ in range(6)]
    one = accept(store, 24, owner="one").id
    worker = Worker(store)
    turns = [worker.window() for _ in range(48)]
    assert turns.count(one) == 24
    assert sum(turns.count(job) for job in crowd) == 24


def test_waiting_gains_nobody_a_store_of_turns(store: JobStore) -> None:
    busy, worker = accept(store, 400, owner="busy"), Worker(store)
    for _ in range(100):
        worker.window()
    late = [accept(store, 20, owner="late").id for _ in range(3)]
    turns = [worker.window() for _ in range(40)]
    assert abs(turns.count(busy.id) - 20) <= 5
    assert abs(sum(turns.count(job) for job in late) - 20) <= 5


def test_a_stream_of_short_jobs_does_not_starve_a_long_one(store: JobStore, settings: Settings) -> None:
    """The bound in docs/reliability.md: between two slices of a job, each owner gets at most one slice per
    job that the job's own owner has, and one more."""
    rng, worker = random.Random(3), Worker(store)
    long = accept(store, 40, owner="a")
    turns: list[str | None] = []
    while long.id not in worker.ended:
        owners = ("a", "b", "c")
        if store._redis.zcard(keys.pending("mini")) < 4:
            accept(store, rng.randint(1, 3), owner=rng.choice(owners))
        turns.append(worker.window())
        assert len(turns) < 400
    at = [place for place, job in enumerate(turns) if job == long.id]
    gaps = [b - a - 1 for a, b in pairwise(at)]
    assert max(gaps) <= 3 * (4 + 1) * settings.slice_windows


def test_a_job_that_fell_out_keeps_its_turn_one_that_gave_way_does_not(store: JobStore, redis: Redis) -> None:
    first, second = accept(store, 12), accept(store, 12)
    token = store.take(first.id, "worker-0")
    assert token is not None
    store.leave(first.id, token)
    assert store.first_in_line("mini") == first.id
    assert store.take(first.id, "worker-0") is not None
    redis.delete(keys.lease(first.id))
    assert store.requeue(first.id)
    assert store.first_in_line("mini") == first.id
    token = store.take(first.id, "worker-0")
    assert token is not None
    store.leave(first.id, token, giving_way=True)
    assert store.first_in_line("mini") == second.id


def test_two_workers_rotate_three_jobs(store: JobStore) -> None:
    jobs = [accept(store, 15).id for _ in range(3)]
    workers = [Worker(store, "worker-0"), Worker(store, "worker-1")]
    while [worker.window() for worker in workers] != [None, None]:
        pass
    assert sorted(workers[0].ended + workers[1].ended) == sorted(jobs)
    assert all(store.get(job).attempts <= 4 for job in jobs)


def test_each_model_has_a_line_of_its_own(store: JobStore, redis: Redis) -> None:
    first = accept(store, 12)
    others = [accept(store, 3, model="wan2.1-i2v-4step", priority=5) for _ in range(2)]
    last = accept(store, 4)
    assert [job.position for job in (first, *others, last)] == [1, 1, 2, 2]
    assert [store.get(job.id).position for job in (first, *others, last)] == [1, 1, 2, 2]
    assert store.first_in_line("mini") == first.id
    assert store.first_in_line("wan2.1-i2v-4step") == others[0].id
    assert store.first_in_line("magic141") is None
    assert store.backlog("wan2.1-i2v-4step").waiting == [3, 3]
    token = store.take(first.id, "worker-0")
    assert not store.outranked(first.id, 1)  # the others' priority is none of this worker's business
    assert token is not None
    store.commit_window(first.id, token, segment(first.id, 0), timings={})
    store.commit_window(first.id, token, segment(first.id, 1), timings={})
    assert store.window_seconds("mini") is not None
    assert store.window_seconds("wan2.1-i2v-4step") is None
    for job in (*others, last):  # their entries in rq are lost, mini's is not
        redis.hincrbyfloat(keys.job(job.id), "queued_at", -60)
    assert redis.llen(keys.rq_list(keys.queue_generate("wan2.1-i2v-4step"))) == 2
    redis.delete(keys.rq_list(keys.queue_generate("wan2.1-i2v-4step")))
    assert sorted(store.expired()) == sorted(job.id for job in others)
    assert all(store.requeue(job.id) for job in others)
    assert redis.llen(keys.rq_list(keys.queue_generate("wan2.1-i2v-4step"))) == 2
    assert list(store.expired()) == []


def test_a_record_of_before_there_were_models_is_taken(store: JobStore, redis: Redis) -> None:
    """It has no such field, and waits in the one line that there was."""
    job = accept(store, 2)
    redis.hdel(keys.job(job.id), "model")
    assert store.first_in_line("mini") == job.id
    assert store.get(job.id).position == 1
    assert store.expired() == []
    redis.rename(keys.pending("mini"), "magic141:pending")
    assert (store.first_in_line("mini"), store.get(job.id).position) == (None, None)
    assert store.expired() == [job.id]
    assert store.requeue(job.id)
    assert (store.first_in_line("mini"), store.get(job.id).position) == (job.id, 1)
    assert store.expired() == []
