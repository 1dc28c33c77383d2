"""The store and its model side by side: one step of both, and the comparison after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis.stateful import RuleBasedStateMachine
from redis import Redis

from tests.contract import store_laws
from tests.contract.store_laws import Snapshot
from tests.contract.store_model import FAMILIES, FRESH, ModelJob, StoreModel
from worker.contract import keys
from worker.contract.errors import Magic141Error
from worker.contract.job import Job
from worker.contract.queue import entries
from worker.contract.settings import Settings
from worker.contract.store import JobStore

LIMIT, SLICE, ATTEMPTS = 4, 3, 3


class Flaky(Redis):
    """While `lossy`, the first reply to each script is lost, and the client sends it again."""

    lossy = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.lossy and args[0] == "EVALSHA":
            super().execute_command(*args, **options)
        return super().execute_command(*args, **options)


class SideBySide(RuleBasedStateMachine):
    """Without rules: what they are made of."""

    redis: Flaky

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushdb()
        limits = Settings(
            lease_seconds=3600,
            max_attempts=ATTEMPTS,
            queue_limit=LIMIT,
            slice_windows=SLICE,
            quota_seconds_per_day=1e9,  # never used up, as midnight may come at any step; but it is charged
        )
        self.store = JobStore(self.redis, limits)
        self.model = StoreModel(limit=LIMIT, slice_windows=SLICE, max_attempts=ATTEMPTS)
        self.ids = self.claims = 0
        self.held: list[tuple[str, int]] = []
        """Every token that was ever given, with its job."""
        self.sent: set[str] = set()
        self.clock = float(self.redis.time()[0] + 10_000)  # later than anything becomes due by itself
        self.before = Snapshot.of(self.redis)

    def job(self, pick: int) -> str:
        """Mostly one that still lives."""
        jobs = list(self.model.jobs)
        living = [job_id for job_id in jobs if not self.model.jobs[job_id].over]
        names = [*living, *living, *living, *jobs, "video_unknown"]
        return names[pick % len(names)]

    def running(self) -> list[ModelJob]:
        return [job for job in self.model.jobs.values() if job.state == "running"]

    def hold(self, pick: int, fresh: bool) -> tuple[str, int]:
        """A job and a token: one that holds, or one that held once, perhaps another job."""
        holds = [(job.id, job.token) for job in self.running()]
        if fresh and holds:
            return holds[pick % len(holds)]
        running = {job.id: job.token for job in self.running()}
        lost = [hold for hold in self.held if hold[0] in running and hold[1] != running[hold[0]]]
        job_id, token = (lost or self.held)[pick % len(lost or self.held)]
        return (job_id, token) if pick % 4 else (self.job(pick), token)

    def waited_for(self, pick: int) -> str:
        """A model that some job waits for."""
        families = [family for family in FAMILIES if self.model.line(family)]
        return families[pick % len(families)]

    def webhook(self, pick: int) -> str:
        """Mostly one that is owed."""
        owed, gone = sorted(self.model.owed), sorted(self.sent)
        names = [*owed, *owed, *gone]
        return names[pick % len(names)]

    def both(
        self,
        expect: Callable[[StoreModel], Any],
        call: Callable[[JobStore], Any],
        *,
        lossy: bool = False,
        wakes: Callable[[Any], str | None] = lambda result: None,
    ) -> Any:
        """Take the step in the model (twice, if the reply is lost) and in the store; compare all there is.

        `wakes`: the family whose workers its outcome wakes.
        Returns what the model answered.
        """
        as_it_was = repr(vars(self.model))
        for _ in range(2 if lossy else 1):
            wanted = answer(lambda: expect(self.model))
        nothing_new = repr(vars(self.model)) == as_it_was
        if (family := wakes(wanted)) is not None:
            self.model.entries[family] += 1
        self.redis.lossy = lossy
        try:
            got = answer(lambda: call(self.store))
        finally:
            self.redis.lossy = False
        if isinstance(got, Job):
            assert isinstance(wanted, ModelJob), wanted
            same_job(got, wanted)
        elif not isinstance(wanted, ModelJob):
            assert got == wanted
        else:
            assert got is None
        self.compare(nothing_new)
        return wanted

    def compare(self, nothing_new: bool = False) -> None:
        before, after = self.before, Snapshot.of(self.redis)
        if nothing_new:
            assert after == before, "a stale, refused or repeated step changed something"
        store_laws.check(before, after, self.sent)
        self.same_jobs(before, after)
        self.same_outbox(after)
        for family in FAMILIES:
            assert entries(self.redis, family) == self.model.entries[family]
            assert list(after.scores(keys.pending(family))) == self.model.line(family)
        assert store_laws.waiting(after) == self.model.claims()
        self.before = after

    def same_jobs(self, before: Snapshot, after: Snapshot) -> None:
        assert after.jobs() == sorted(self.model.jobs)
        for owner in "abc":
            mine = [job.id for job in self.model.jobs.values() if job.spec.owner == owner]
            assert list(after.scores(keys.owner_index(owner))) == sorted(mine)
            charged = [key for key in after.raw if key.startswith(keys.ASKED_PREFIX) and key.endswith(owner)]
            assert sum(float(after.raw[key]) for key in charged) == self.model.asked.get(owner, 0)
        for job in self.model.jobs.values():
            record = after.record(job.id)
            counts = (job.state, job.tag, job.crashes, job.alive)
            found = [record["state"], int(record["tag"]), int(record.get("crashes", 0))]
            assert (*found, keys.lease(job.id) in after.raw) == counts
            assert record.get("token") == (None if job.token is None else str(job.token))
            if before.raw.get(keys.events(job.id)) != after.raw[keys.events(job.id)]:
                assert after.events(job.id) == job.events
                same_job(self.store.get(job.id), job)

    def same_outbox(self, after: Snapshot) -> None:
        due, dead = after.scores(keys.OUTBOX), after.scores(keys.DEAD_LETTERS)
        for name, owed in self.model.owed.items():
            fields = after.hash(keys.outbox_entry(name))
            if owed.due == FRESH:
                owed.due = due[name]
                assert float(fields["created_at"]) == pytest.approx(owed.due)
                assert owed.due < self.clock - 9_000
            told = (fields["job_id"], fields["type"], json.loads(fields["data"]), fields.get("reason"))
            assert told == (owed.job_id, owed.type, owed.data, owed.reason)
            assert int(fields["attempts"]) == owed.attempts
        assert due == {name: owed.due for name, owed in self.model.owed.items() if owed.due is not None}
        assert set(dead) == {name for name, owed in self.model.owed.items() if owed.due is None}


def answer(call: Callable[[], Any]) -> Any:
    """What it returns, or the kind of error it raises."""
    try:
        return call()
    except (Magic141Error, ValueError) as error:
        return type(error)


def same_job(found: Job, job: ModelJob) -> None:
    assert (found.id, found.spec) == (job.id, job.spec)
    wanted = job.public()
    assert {name: getattr(found, name) for name in wanted} == wanted | {"segments": tuple(job.segments)}
    times = [found.created_at, found.started_at, found.finished_at]
    assert (times[1] is None, times[2] is None) == (job.attempts == 0, not job.over)
    told = [at for at in times if at is not None]
    assert told == sorted(told)
