"""How long a place in the line takes: the arithmetic, and how old what it goes by may be."""

import random
from types import SimpleNamespace

import pytest
from redis import Redis

from tests.contract.specs import spec
from worker.contract import keys, line
from worker.contract.backlog import Backlog
from worker.contract.presence import Estimate
from worker.contract.store import JobStore

SLICE = 5


def turns(lefts: list[int], slices: int) -> int:
    return sum(min(left, slices * SLICE) for left in lefts)


@pytest.mark.parametrize("seed", range(20))
def test_each_one_ahead_has_as_many_slices_and_each_one_behind_one_less(seed: int) -> None:
    rng = random.Random(seed)
    waiting = [rng.randint(0, 60) for _ in range(rng.randint(1, 30))]
    running = [rng.randint(0, 60) for _ in range(rng.randint(0, 3))]
    backlog = Backlog(waiting, running, Estimate(0.5, 0.1), rng.randint(0, 3), SLICE)
    workers = max(1, backlog.workers)
    for place, own in enumerate(waiting):
        slices = -(-own // SLICE)
        before = turns(waiting[:place] + running, slices) + turns(waiting[place + 1 :], slices - 1)
        eta = backlog.eta(own, place + 1)
        assert eta == pytest.approx(Estimate(0.5, 0.1).times(before / workers + own))
    own = rng.randint(1, 60)
    before = turns(waiting, -(-own // SLICE) - 1)
    assert backlog.eta(own, None) == pytest.approx(Estimate(0.5, 0.1).times(before / workers + own))


def test_jobs_that_came_since_count_like_the_one_that_asks() -> None:
    backlog = Backlog([5], [], Estimate(1.0, 0.0), 1, SLICE)
    eta = backlog.eta(3, 4)  # one of five windows, two nobody saw, itself
    assert eta == Estimate(5 + 2 * 3 + 3, 0.0)


def test_nothing_measured_nothing_told() -> None:
    assert Backlog([5], [], None, 1, SLICE).eta(3, 2) is None


def test_each_model_has_its_own(store: JobStore, redis: Redis) -> None:
    for model, seconds, windows in (("mini", "0.5", (2, 3)), ("wan2.1-i2v-4step", "4.0", (5,))):
        redis.rpush(keys.window_seconds(model), seconds)
        runs, *_ = [store.create(spec(model=model), windows_total=left) for left in (4, *windows)]
        assert store.take(runs.id, "worker-0") is not None
    for name, model in (("a", "mini"), ("b", "mini"), ("c", "wan2.1-i2v-4step"), ("d", None)):
        store.worker_seen(name, {"model": model})
    mini, wan = (store.backlog(model) for model in ("mini", "wan2.1-i2v-4step"))
    assert (mini.waiting, mini.running, mini.window, mini.workers) == ([2, 3], [4], Estimate(0.5, 0.0), 2)
    assert (wan.waiting, wan.running, wan.window, wan.workers) == ([5], [4], Estimate(4.0, 0.0), 1)
    behind = store.create(spec(model="wan2.1-i2v-4step"), windows_total=1)
    assert store.eta(behind) == Estimate(4.0 * (4 + 5 + 1), 0.0)
    assert store.backlog("magic141").waiting == []


def test_a_long_line_is_read_less_often(
    store: JobStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    # The line's name for it, not the module's function: event loops in other threads live by that one.
    monkeypatch.setattr(line, "time", SimpleNamespace(monotonic=lambda: now))
    redis.rpush(keys.window_seconds("mini"), "0.5")
    jobs = [store.create(spec(), windows_total=2) for _ in range(100)]
    assert list(store.backlog("mini").waiting) == [2] * 100
    store.request_cancel(jobs[0].id)
    now += 0.149
    assert len(store.backlog("mini").waiting) == 100
    now += 0.002
    assert len(store.backlog("mini").waiting) == 99
    for job in jobs[1:]:
        store.delete(job.id)
    now += 0.15
    assert len(store.backlog("mini").waiting) == 0
    store.create(spec(), windows_total=2)
    now += 0.101
    assert len(store.backlog("mini").waiting) == 1
