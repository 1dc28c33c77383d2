"""The job store against a model of it: any order of calls, by any number of workers, some of them dead.

Hypothesis draws the calls. After each one the answer is compared with the model's (store_model.py), all that
is kept with what the model keeps, and with the laws that hold whatever happens (store_laws.py).

The suite runs a fixed set of examples. `STORE_MACHINE_EXAMPLES=3000 pytest --timeout=0
tests/contract/test_store_machine.py` runs so many other ones, new each time.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.contract.specs import segment, spec
from tests.contract.store_laws import Snapshot
from tests.contract.store_machine import ATTEMPTS, LIMIT, SLICE, Flaky, SideBySide
from tests.contract.store_model import FAMILIES, ModelJob, StoreModel
from worker.contract import keys, line
from worker.contract import store as store_module
from worker.contract.job import WEBHOOK_EVENTS, JobError, JobState
from worker.contract.store import ARTIFACTS
from worker.local.redis import RedisServer

LONG_AGO = 10 * line.QUEUED_GRACE_SECONDS

PICK = st.integers(0, 11)
OWNERS = st.sampled_from(["a", "b", "c"])
FAMILY = st.sampled_from([FAMILIES[0], FAMILIES[0], FAMILIES[1]])
HOOKS = st.sampled_from([WEBHOOK_EVENTS, ("video.started", "video.completed"), ("video.failed",)])
OFTEN = st.sampled_from([True, True, True, True, False])
SELDOM = st.sampled_from([False, False, False, False, True])
WORKERS = st.sampled_from(["worker-0", "worker-1", "worker-2"])
REASONS = st.sampled_from(["answered 500", "refused"])


class Machine(SideBySide):
    # Clients.

    @initialize(
        jobs=st.lists(st.tuples(OWNERS, FAMILY, st.integers(1, 7), HOOKS), min_size=1, max_size=LIMIT)
    )
    def open(self, jobs: list[tuple[str, str, int, tuple[str, ...]]]) -> None:
        for owner, family, windows, hooks in jobs:
            self.create_one(owner, family, 0, windows, "http://127.0.0.1:9/hook", hooks, None, False)

    @rule(
        again=st.booleans(),
        pick=PICK,
        owner=OWNERS,
        family=FAMILY,
        priority=st.sampled_from([0, 0, 0, 1, -1]),
        windows=st.integers(1, 7),
        url=st.sampled_from(["http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook", None]),
        hooks=HOOKS,
        idempotency=st.sampled_from([None, None, ("key", "body"), ("key", "other"), ("key2", "body")]),
        lossy=SELDOM,
    )
    def create(self, again: bool, pick: int, **wish: Any) -> None:
        """Where `again`, by the key of an earlier one."""
        if again and self.model.known and wish["idempotency"]:
            wish["owner"], key = list(self.model.known)[pick % len(self.model.known)]
            wish["idempotency"] = (key, wish["idempotency"][1])
        self.create_one(**wish)

    def create_one(
        self,
        owner: str,
        family: str,
        priority: int,
        windows: int,
        url: str | None,
        hooks: tuple[str, ...],
        idempotency: tuple[str, str] | None,
        lossy: bool,
    ) -> None:
        self.ids += 1
        job_id = f"video_{self.ids:032x}"
        wish = spec(owner=owner, model=family, priority=priority, webhook_url=url, webhook_events=hooks)

        with mock.patch.object(store_module, "new_job_id", return_value=job_id):
            self.both(
                lambda model: model.jobs[model.create(job_id, wish, windows, idempotency)],
                lambda store: store.create(wish, windows_total=windows, idempotency=idempotency),
                lossy=lossy,
                wakes=lambda job: family if isinstance(job, ModelJob) and job.id == job_id else None,
            )

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, lossy=SELDOM)
    def request_cancel(self, pick: int, lossy: bool) -> None:
        self.cancel(self.job(pick), lossy)

    def cancel(self, job_id: str, lossy: bool) -> None:
        def expect(model: StoreModel) -> ModelJob:
            model.request_cancel(job_id)
            return model.get(job_id)

        self.both(expect, lambda store: store.request_cancel(job_id), lossy=lossy)
        assert self.store.cancel_requested(job_id) == self.model.cancel_requested(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, sure=SELDOM)
    def delete(self, pick: int, sure: bool) -> None:
        """And ask for the same again, where it had an idempotency key."""
        job_id = self.job(pick)
        if not sure and not self.model.cancel_requested(job_id):
            return
        self.both(lambda model: model.delete(job_id), lambda store: store.delete(job_id))
        for (owner, key), (known, body) in list(self.model.known.items()):
            if known == job_id:
                self.create_one(owner, FAMILIES[0], 0, 2, None, (), (key, body), False)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        job_id = self.job(pick)
        if job_id in self.model.jobs:
            order = self.model.line(self.model.jobs[job_id].spec.model)
            place = order.index(job_id) + 1 if job_id in order else None
            assert self.store.get(job_id).position == place
        for family in FAMILIES:
            order = self.model.line(family)
            assert self.store.first_in_line(family) == (order[0] if order else None)
        mine = sorted(job.id for job in self.model.jobs.values() if job.spec.owner == "a")
        page, more = self.store.list("a", order="asc", limit=2)
        assert ([job.id for job in page], more) == (mine[:2], len(mine) > 2)

    # Workers.

    def take(self, job_id: str, worker: str, lossy: bool) -> int | None:
        self.claims += 1
        claim = self.claims
        token = self.both(
            lambda model: model.take(job_id, worker, claim),
            lambda store: store.take(job_id, worker),
            lossy=lossy,
        )
        if token is not None:
            self.held.append((job_id, token))
        return token

    def commit(self, job_id: str, token: int, index: int, lossy: bool) -> None:
        self.ids += 1
        part, timings = segment(job_id, index), {"denoise": float(self.ids)}

        def expect(model: StoreModel) -> ModelJob:
            model.commit(job_id, token, index, part, timings)
            return model.get(job_id)

        self.both(
            expect, lambda store: store.commit_window(job_id, token, part, timings=timings), lossy=lossy
        )

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, worker=WORKERS, lossy=SELDOM)
    def take_any(self, pick: int, worker: str, lossy: bool) -> None:
        self.take(self.job(pick), worker, lossy)

    @precondition(lambda self: self.model.claims())
    @rule(pick=PICK, worker=WORKERS, lossy=SELDOM)
    def wake_up(self, pick: int, worker: str, lossy: bool) -> None:
        """Pop an entry and take the first in line, as a worker of some model does."""
        family = self.waited_for(pick)
        if self.redis.lpop(keys.rq_list(keys.queue_generate(family))):
            self.model.entries[family] -= 1
        first = self.store.first_in_line(family)
        assert first == self.model.line(family)[0]
        assert self.take(first, worker, lossy) is not None

    @precondition(lambda self: self.held)
    @rule(pick=PICK, fresh=OFTEN, lossy=SELDOM)
    def renew(self, pick: int, fresh: bool, lossy: bool) -> None:
        job_id, token = self.hold(pick, fresh)
        self.both(
            lambda model: model.renew(job_id, token), lambda store: store.renew(job_id, token), lossy=lossy
        )

    @precondition(lambda self: self.held)
    @rule(pick=PICK, fresh=OFTEN, ahead=st.sampled_from([0, 0, 0, 0, -1, 1]), lossy=SELDOM)
    def commit_window(self, pick: int, fresh: bool, ahead: int, lossy: bool) -> None:
        """The next one; one that was committed before; one behind a gap."""
        job_id, token = self.hold(pick, fresh)
        job = self.model.jobs.get(job_id)
        index = max(0, ahead + (len(job.segments) if job else 0))
        self.commit(job_id, token, index, lossy)

    @precondition(lambda self: self.running() or self.model.claims())
    @rule(pick=PICK, windows=st.integers(1, 4), anew=st.booleans())
    def render(self, pick: int, windows: int, anew: bool) -> None:
        """Some windows on end, the picture first: of a job that is held, or of the first in line."""
        if self.model.claims() and (anew or not self.running()):
            self.take(self.model.line(self.waited_for(pick))[0], "worker-3", lossy=False)
            job_id, token = self.held[-1]
        else:
            job_id, token = self.hold(pick, True)
        job = self.model.jobs[job_id]
        self.artifact(job_id, token, "image_key", keys.image(job_id), lossy=False)
        for index in range(len(job.segments), min(job.total, len(job.segments) + windows)):
            self.commit(job_id, token, index, lossy=False)
        if job.segments:
            self.commit(job_id, token, len(job.segments) - 1, lossy=False)  # it did not hear the answer

    @precondition(lambda self: self.held)
    @rule(pick=PICK, fresh=OFTEN, name=st.sampled_from(ARTIFACTS), key=st.sampled_from("xy"), lossy=SELDOM)
    def set_artifact(self, pick: int, fresh: bool, name: str, key: str, lossy: bool) -> None:
        job_id, token = self.hold(pick, fresh)
        self.artifact(job_id, token, name, key, lossy)

    def artifact(self, job_id: str, token: int, name: str, key: str, lossy: bool) -> None:
        self.both(
            lambda model: model.set_artifact(job_id, token, name, key),
            lambda store: store.set_artifact(job_id, token, name, key),
            lossy=lossy,
        )

    @precondition(lambda self: self.held)
    @rule(
        pick=PICK,
        fresh=OFTEN,
        after_error=st.booleans(),
        giving_way=st.booleans(),
        lossy=SELDOM,
        cancel=SELDOM,
    )
    def leave(
        self, pick: int, fresh: bool, after_error: bool, giving_way: bool, lossy: bool, cancel: bool
    ) -> None:
        job_id, token = self.hold(pick, fresh)
        if cancel:
            self.cancel(job_id, lossy=False)
        how = {"after_error": after_error, "giving_way": giving_way}
        self.both(
            lambda model: model.leave(job_id, token, **how),
            lambda store: store.leave(job_id, token, **how),
            lossy=lossy,
        )

    @precondition(lambda self: self.held)
    @rule(
        pick=PICK,
        fresh=OFTEN,
        state=st.sampled_from([state for state in JobState if state.terminal]),
        error=st.sampled_from([None, JobError("engine_error", "it broke")]),
        artifacts=st.sampled_from([{}, {"video_key": "v", "sprites_key": "s"}]),
        lossy=SELDOM,
    )
    def finish(
        self,
        pick: int,
        fresh: bool,
        state: JobState,
        error: JobError | None,
        artifacts: dict[str, str],
        lossy: bool,
    ) -> None:
        job_id, token = self.hold(pick, fresh)
        self.end(job_id, token, state, error, artifacts, lossy)

    def end(
        self,
        job_id: str,
        token: int,
        state: JobState,
        error: JobError | None,
        artifacts: dict[str, str],
        lossy: bool,
    ) -> None:
        def expect(model: StoreModel) -> ModelJob:
            model.finish(job_id, token, state, error, artifacts)
            return model.get(job_id)

        self.both(
            expect,
            lambda store: store.finish(job_id, token, state, error=error, artifacts=artifacts),
            lossy=lossy,
        )

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, windows=st.integers(0, SLICE + 1))
    def outranked(self, pick: int, windows: int) -> None:
        job_id = self.job(pick)
        self.both(
            lambda model: model.outranked(job_id, windows), lambda store: store.outranked(job_id, windows)
        )

    # What goes wrong, and its repair.

    @precondition(lambda self: self.running())
    @rule(
        pick=PICK,
        more=st.sampled_from([0, ATTEMPTS - 1]),
        cancel=st.sampled_from([None, None, None, None, "before", "after"]),
    )
    def die(self, pick: int, more: int, cancel: str | None) -> None:
        """A worker is gone, and so are some more that took the job; the lease ran out each time."""
        job_id, _ = self.hold(pick, True)
        if cancel == "before":
            self.cancel(job_id, lossy=False)
        self.lapse(job_id)
        for _ in range(more):
            if self.take(job_id, "worker-5", lossy=False) is not None:
                self.lapse(job_id)
        if cancel == "after":
            self.cancel(job_id, lossy=False)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, lossy=SELDOM)
    def freeze(self, pick: int, lossy: bool) -> None:
        """A worker stood still for longer than its lease; it goes on when another has the job."""
        job_id, token = self.hold(pick, True)
        self.lapse(job_id)
        self.take(job_id, "worker-4", lossy)
        how = {"after_error": False, "giving_way": False}
        self.both(lambda model: model.renew(job_id, token), lambda store: store.renew(job_id, token))
        self.artifact(job_id, token, "thumbnail_key", "late", lossy)
        self.commit(job_id, token, len(self.model.jobs[job_id].segments), lossy)
        self.both(
            lambda model: model.leave(job_id, token, **how), lambda store: store.leave(job_id, token, **how)
        )
        self.end(job_id, token, JobState.SUCCEEDED, None, {"video_key": "late"}, lossy)

    def lapse(self, job_id: str) -> None:
        self.redis.delete(keys.lease(job_id))
        self.model.jobs[job_id].alive = False
        self.compare()

    @rule(entries_lost=st.booleans(), lossy=SELDOM)
    def reconcile(self, entries_lost: bool, lossy: bool) -> None:
        if entries_lost:
            self.redis.delete(*[keys.rq_list(keys.queue_generate(family)) for family in FAMILIES])
            self.model.entries = dict.fromkeys(FAMILIES, 0)
        for job_id in self.model.claims():
            self.redis.hincrbyfloat(keys.job(job_id), "queued_at", -LONG_AGO)
        lost = self.model.expired()
        self.before = Snapshot.of(self.redis)
        assert self.store.expired() == lost
        for job_id in lost:
            self.requeue(job_id, lossy)
        assert self.store.expired() == []

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, lossy=SELDOM)
    def requeue_any(self, pick: int, lossy: bool) -> None:
        """Somebody saw it lost a while ago."""
        self.requeue(self.job(pick), lossy)

    def requeue(self, job_id: str, lossy: bool) -> None:
        self.both(
            lambda model: model.requeue(job_id),
            lambda store: store.requeue(job_id),
            lossy=lossy,
            wakes=lambda again: self.model.jobs[job_id].spec.model if again is True else None,
        )

    # Couriers, any of which may be late.

    @rule(limit=st.integers(1, 4), wait=st.sampled_from([0, 30, 61]))
    def take_due(self, limit: int, wait: int) -> None:
        self.clock += wait
        names = self.model.take_due(self.clock, limit, 60)
        found = self.store.take_due(self.clock, limit=limit, hold_seconds=60)
        assert [entry.webhook_id for entry in found] == names
        for entry in found:
            owed = self.model.owed[entry.webhook_id]
            assert (entry.job_id, entry.type, entry.data) == (owed.job_id, owed.type, owed.data)
            assert (entry.attempts, entry.reason) == (owed.attempts, owed.reason)
        self.compare()

    @precondition(lambda self: self.model.owed or self.sent)
    @rule(pick=PICK)
    def mark_sent(self, pick: int) -> None:
        name = self.webhook(pick)
        self.sent.add(name)
        self.both(lambda model: model.mark_sent(name), lambda store: store.mark_sent(name))

    @precondition(lambda self: self.model.owed or self.sent)
    @rule(pick=PICK, delay=st.integers(1, 90), reason=REASONS)
    def retry_later(self, pick: int, delay: int, reason: str) -> None:
        name, due = self.webhook(pick), self.clock + delay
        self.both(
            lambda model: model.retry_later(name, due, reason),
            lambda store: store.retry_later(name, due, reason=reason),
        )

    @precondition(lambda self: self.model.owed or self.sent)
    @rule(pick=PICK, reason=REASONS)
    def dead_letter(self, pick: int, reason: str) -> None:
        name = self.webhook(pick)
        self.both(
            lambda model: model.dead_letter(name, reason),
            lambda store: store.dead_letter(name, reason=reason),
        )
        dead = {letter.webhook_id for letter in self.store.dead_letters()}
        assert dead == {name for name, owed in self.model.owed.items() if owed.due is None}


def test_any_order_of_calls(redis: Redis, redis_server: RedisServer) -> None:
    examples = os.environ.get("STORE_MACHINE_EXAMPLES")
    how = settings(
        max_examples=int(examples or 200),
        derandomize=examples is None,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with Flaky.from_url(redis_server.url) as client:
        Machine.redis = client
        run_state_machine_as_test(Machine, settings=how)
