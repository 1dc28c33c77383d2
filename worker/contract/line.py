"""Whose turn it is: the line of waiting jobs, and how long a place in it will take.

A worker renders the jobs of the model that it has loaded, so each model's jobs are a line of their own.

Jobs are rendered in slices. A slice's claim is its priority, then its tag, a virtual time that grows by the
windows its owner was given (start-time fair queueing; the arithmetic is in scripts.py), then its job's age.
So two owners who both wait get windows in equal number however many jobs each has, and a job that came second
waits for one slice of the first, not for all of it.
"""

import json
from collections.abc import Sequence

from redis import Redis

from worker.contract import keys, queue, scripts
from worker.contract.job import Job, JobState
from worker.contract.models import MODELS
from worker.contract.presence import Estimate, Presence

QUEUED_GRACE_SECONDS = 3.0
"""How long a waiting job may have no entry in rq (just accepted, or just popped) before it counts as lost."""


class Line(Presence):
    def __init__(self, redis: Redis, slice_windows: int) -> None:
        super().__init__(redis)
        self._slice_windows = slice_windows
        self._line_of = redis.register_script(scripts.LINE)
        self._outranked = redis.register_script(scripts.OUTRANKED)

    def position(self, job_id: str) -> int | None:
        """Jobs of its model ahead of it plus one; None when it does not wait."""
        line = self._line(self._model(job_id))
        return line.index(job_id) + 1 if job_id in line else None

    def first_in_line(self, model: str) -> str | None:
        """The job whose turn is next at a worker of that model."""
        first = self._line(model, 1)
        return first[0] if first else None

    def outranked(self, job_id: str, windows: int) -> bool:
        """Whether a job that has had `windows` windows in its slice should give way to the first in line.

        To a higher priority at once, to its equals after slice_windows.
        """
        return bool(self._outranked(args=[job_id, windows, self._slice_windows]))

    def expired(self) -> Sequence[str]:
        """Jobs that somebody should requeue: running without a live lease, or waiting with too few entries in
        rq to wake a worker for each."""
        running = self._running()
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in running:
                pipe.exists(keys.lease(job_id))
            alive = pipe.execute() if running else []
        dead = [job_id for job_id, lives in zip(running, alive, strict=True) if not lives]
        # First the line, then the entries: in the other order a job queued in between would look lost.
        for model in MODELS:
            line = self._line(model)
            missing = len(line) - queue.entries(self._redis, model)
            dead += self._settled(line)[: max(0, missing)] if line else []
        return dead

    def eta(self, job: Job) -> Estimate | None:
        """Seconds until the job ends, by measured window times; None when nothing was measured or it is over.

        Others have their slices meanwhile: as many as this job needs, one less where it goes first.
        """
        if job.state.terminal:
            return None
        model = job.spec.model
        line = self._line(model)
        place = line.index(job.id) if job.id in line else 0
        ahead, behind = line[:place], [other for other in line[place:] if other != job.id]
        if job.state is not JobState.RUNNING:
            ahead += self._running_of(model)
        return self._eta(model, job.windows_total - job.windows_done, ahead, behind)

    def outlook(self, windows: int, model: str) -> tuple[int, Estimate | None]:
        """The place in the line that a job of so many windows would get, behind all others of its model, and
        its `eta`."""
        line = self._line(model)
        return len(line) + 1, self._eta(model, windows, line + self._running_of(model), [])

    def _eta(self, model: str, own: int, ahead: Sequence[str], behind: Sequence[str]) -> Estimate | None:
        window = self.window_seconds(model)
        if window is None:
            return None
        slices = -(-own // self._slice_windows)
        before = self._windows(ahead, slices) + self._windows(behind, slices - 1)
        workers = [info for info in self.workers().values() if info.get("model") == model]
        return window.times(before / max(1, len(workers)) + own)

    def _windows(self, ids: Sequence[str], slices: int) -> int:
        """What these jobs render in so many slices each."""
        if not ids or slices < 1:
            return 0
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hget(keys.job(job_id), "windows_total")
                pipe.llen(keys.windows(job_id))
            found = pipe.execute()
        left = [int(total or 0) - done for total, done in zip(found[::2], found[1::2], strict=True)]
        return sum(min(max(0, windows), slices * self._slice_windows) for windows in left)

    def _settled(self, line: Sequence[str]) -> list[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in line:
                pipe.hget(keys.job(job_id), "queued_at")
            since = pipe.execute()
        seconds, microseconds = self._redis.time()
        latest = seconds + microseconds / 1e6 - QUEUED_GRACE_SECONDS
        return [job_id for job_id, at in zip(line, since, strict=True) if at and float(at) < latest]

    def _line(self, model: str, most: int = 0) -> list[str]:
        return [member.decode() for member in self._line_of(args=[model, most])]

    def _running(self) -> list[str]:
        return sorted(member.decode() for member in self._redis.smembers(keys.RUNNING))

    def _running_of(self, model: str) -> list[str]:
        return [job_id for job_id in self._running() if self._model(job_id) == model]

    def _model(self, job_id: str) -> str:
        """Empty where the job is gone."""
        model, spec = self._redis.hmget(keys.job(job_id), "model", "spec")
        return model.decode() if model else json.loads(spec or '{"model": ""}')["model"]
