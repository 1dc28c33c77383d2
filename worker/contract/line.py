"""Whose turn it is: the line of waiting jobs, and how long a place in it will take.

Jobs are rendered in slices. A slice's claim is its priority, then its tag, a virtual time that grows by the
windows its owner was given (start-time fair queueing; the arithmetic is in scripts.py), then its job's age.
So two owners who both wait get windows in equal number however many jobs each has, and a job that came second
waits for one slice of the first, not for all of it.
"""

from collections.abc import Sequence

from redis import Redis

from worker.contract import keys, queue, scripts
from worker.contract.job import Job, JobState
from worker.contract.presence import Estimate, Presence

QUEUED_GRACE_SECONDS = 3.0
"""How long a waiting job may have no entry in rq (just accepted, or just popped) before it counts as lost."""


class Line(Presence):
    def __init__(self, redis: Redis, slice_windows: int) -> None:
        super().__init__(redis)
        self._slice_windows = slice_windows
        self._outranked = redis.register_script(scripts.OUTRANKED)

    def position(self, job_id: str) -> int | None:
        """Jobs ahead of it plus one; None when it does not wait."""
        rank = self._redis.zrank(keys.PENDING, job_id)
        return None if rank is None else rank + 1

    def first_in_line(self) -> str | None:
        """The job whose turn is next."""
        first = self._redis.zrange(keys.PENDING, 0, 0)
        return first[0].decode() if first else None

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
        line = self._line()
        missing = len(line) - queue.entries(self._redis)
        return dead + self._settled(line)[:missing] if missing > 0 else dead

    def eta(self, job: Job) -> Estimate | None:
        """Seconds until the job ends, by measured window times; None when nothing was measured or it is over.

        Others have their slices meanwhile: as many as this job needs, one less where it goes first.
        """
        if job.state.terminal:
            return None
        line = self._line()
        place = line.index(job.id) if job.id in line else 0
        ahead, behind = line[:place], [other for other in line[place:] if other != job.id]
        if job.state is not JobState.RUNNING:
            ahead += self._running()
        return self._eta(job.windows_total - job.windows_done, ahead, behind)

    def outlook(self, windows: int) -> tuple[int, Estimate | None]:
        """The place in the line that a job of so many windows would get, behind all others, and its `eta`."""
        line = self._line()
        return len(line) + 1, self._eta(windows, line + self._running(), [])

    def _eta(self, own: int, ahead: Sequence[str], behind: Sequence[str]) -> Estimate | None:
        window = self.window_seconds()
        if window is None:
            return None
        slices = -(-own // self._slice_windows)
        before = self._windows(ahead, slices) + self._windows(behind, slices - 1)
        return window.times(before / max(1, len(self.workers())) + own)

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

    def _line(self) -> list[str]:
        return [member.decode() for member in self._redis.zrange(keys.PENDING, 0, -1)]

    def _running(self) -> list[str]:
        return sorted(member.decode() for member in self._redis.smembers(keys.RUNNING))
