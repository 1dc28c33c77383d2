"""Whose turn it is: the line of waiting jobs, and how long a place in it will take.

A worker renders the jobs of the model that it has loaded, so each model's jobs are a line of their own.

Jobs are rendered in slices. A slice's claim is its priority, then its tag, a virtual time that grows by the
windows its owner was given (start-time fair queueing; its arithmetic: lua/prelude.lua), then its job's age.
So two owners who both wait get windows in equal number however many jobs each has, and a job that came second
waits for one slice of the first, not for all of it.
"""

import time
from collections.abc import Sequence

from redis import Redis

from worker.contract import keys, queue, scripts
from worker.contract.backlog import Backlog
from worker.contract.job import Job
from worker.contract.models import MODELS
from worker.contract.presence import FRESH_SECONDS, Estimate, Presence

QUEUED_GRACE_SECONDS = 3.0
"""How long a waiting job may have no entry in rq (just accepted, or just popped) before it counts as lost."""
FRESH_SECONDS_A_JOB = 0.0005
"""How much older the backlog may be by which times are told, the longer the line is."""


class Line(Presence):
    def __init__(self, redis: Redis, slice_windows: int) -> None:
        super().__init__(redis)
        self._slice_windows = slice_windows
        self._astray = redis.register_script(scripts.ASTRAY)
        self._outranked = redis.register_script(scripts.OUTRANKED)
        self._left = redis.register_script(scripts.BACKLOG)
        self._kept: dict[str, tuple[float, Backlog]] = {}
        """By model, and when it was read."""

    def first_in_line(self, model: str) -> str | None:
        """The job whose turn is next at a worker of that model."""
        first = self._redis.zrange(keys.pending(model), 0, 0)
        return first[0].decode() if first else None

    def outranked(self, job_id: str, windows: int) -> bool:
        """Whether a job that has had `windows` windows in its slice should give way to the first in line.

        To a higher priority at once, to its equals after slice_windows.
        """
        return bool(self._outranked(args=[job_id, windows, self._slice_windows]))

    def expired(self) -> Sequence[str]:
        """Jobs that somebody should requeue: running without a live lease, or waiting in no line or with too
        few entries in rq to wake a worker for each."""
        running = self._running()
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in running:
                pipe.exists(keys.lease(job_id))
            alive = pipe.execute() if running else []
        dead = [job_id for job_id, lives in zip(running, alive, strict=True) if not lives]
        dead += [job_id.decode() for job_id in self._astray()]
        # First the line, then the entries: in the other order a job queued in between would look lost.
        for model in MODELS:
            line = self._line(model)
            missing = len(line) - queue.entries(self._redis, model)
            dead += self._settled(line)[: max(0, missing)] if line else []
        return dead

    def eta(self, job: Job) -> Estimate | None:
        """Seconds until the job ends, by `backlog`; None when nothing was measured or it is over."""
        if job.state.terminal:
            return None
        return self.backlog(job.spec.model).eta(job.windows_total - job.windows_done, job.position)

    def backlog(self, model: str, *, fresh: bool = False) -> Backlog:
        """A model's as it is; unless `fresh`, as it was up to 0.1 s ago, and 0.5 ms more for each job that
        waits.

        Every poll asks for it, and it takes the longer to read the longer the line is.
        """
        now, (read_at, kept) = time.monotonic(), self._kept.get(model, (0.0, None))
        if fresh or kept is None or now - read_at > FRESH_SECONDS + FRESH_SECONDS_A_JOB * len(kept.waiting):
            waiting, running = ([*map(int, numbers.split())] for numbers in self._left(args=[model]))
            window, workers = self.window_seconds(model), len(self.of_model(model))
            kept = Backlog(waiting, running, window, workers, self._slice_windows)
            self._kept[model] = (now, kept)
        return kept

    def _settled(self, line: Sequence[str]) -> list[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in line:
                pipe.hget(keys.job(job_id), "queued_at")
            since = pipe.execute()
        seconds, microseconds = self._redis.time()
        latest = seconds + microseconds / 1e6 - QUEUED_GRACE_SECONDS
        return [job_id for job_id, at in zip(line, since, strict=True) if at and float(at) < latest]

    def _line(self, model: str) -> list[str]:
        return [member.decode() for member in self._redis.zrange(keys.pending(model), 0, -1)]

    def _running(self) -> list[str]:
        return sorted(member.decode() for member in self._redis.smembers(keys.RUNNING))
