"""What the job store should do, in plain Python: the same steps on dictionaries, without Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from worker.contract.errors import Conflict, LeaseLost, NotFound, QueueFull
from worker.contract.job import JobError, JobSpec, JobState, Segment
from worker.contract.models import MODELS
from worker.contract.store import ARTIFACTS

HOOKS = {"succeeded": "completed", "failed": "failed", "canceled": "canceled"}
FAMILIES = ("mini", "wan2.1-i2v-4step")
"""The models that jobs are for."""
FRESH = 0.0
"""The due time of a webhook whose real one, by the server's clock, was not read yet."""


@dataclass
class ModelJob:
    id: str
    spec: JobSpec
    total: int
    state: str = "queued"
    tag: int = 0
    token: int | None = None
    claim: int | None = None
    """What its taker called itself, to know its own lease again."""
    alive: bool = False
    """Its lease key exists."""
    worker: str | None = None
    attempts: int = 0
    crashes: int = 0
    redone: int = 0
    cancel: bool = False
    artifacts: dict[str, str] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    error: JobError | None = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return JobState(self.state).terminal

    def public(self) -> dict[str, Any]:
        """What a reader of the record sees, less the times."""
        return {
            "state": self.state,
            "windows_total": self.total,
            "windows_redone": self.redone,
            "attempts": self.attempts,
            "worker": self.worker,
            "segments": self.segments,
            "error": self.error,
            "timings": self.timings,
            "cancel_requested": self.cancel,
            **{name: self.artifacts.get(name) for name in ARTIFACTS},
        }


@dataclass
class Owed:
    """A webhook; `due` is None once it was given up."""

    job_id: str
    type: str
    data: dict[str, Any]
    due: float | None
    attempts: int = 0
    reason: str | None = None


class StoreModel:
    def __init__(self, *, limit: int, slice_windows: int, max_attempts: int) -> None:
        self.limit, self.slice_windows, self.max_attempts = limit, slice_windows, max_attempts
        self.jobs: dict[str, ModelJob] = {}
        self.known: dict[tuple[str, str], tuple[str, str]] = {}
        """(owner, idempotency key) -> (job id, body)."""
        self.shares: dict[str, int] = {}
        self.virtual_time = 0
        self.asked: dict[str, float] = {}
        """Seconds of video by owner."""
        self.tokens = 0
        self.owed: dict[str, Owed] = {}
        self.entries = dict.fromkeys(FAMILIES, 0)
        """What waits in rq for each model's workers."""

    # What a call should answer.

    def create(self, job_id: str, spec: JobSpec, total: int, idempotency: tuple[str, str] | None) -> str:
        if job_id in self.jobs:
            return job_id
        place = (spec.owner, idempotency[0]) if idempotency else None
        if place in self.known and self.known[place][0] in self.jobs:
            earlier, body = self.known[place]
            if body != idempotency[1]:
                raise Conflict("idempotency_conflict", "")
            return earlier
        if len(self.claims()) >= self.limit:
            raise QueueFull("queue_full", "")
        job = self.jobs[job_id] = ModelJob(job_id, spec, total)
        self.asked[spec.owner] = self.asked.get(spec.owner, 0) + spec.seconds
        if place:
            self.known[place] = (job_id, idempotency[1])
        self._next_slice(job)
        self._queue(job)
        return job_id

    def take(self, job_id: str, worker: str, claim: int) -> int | None:
        job = self.jobs.get(job_id)
        if job is None or job.over:
            return None
        if job.alive:
            return job.token if job.claim == claim else None
        if job.state == "running" and self._orphaned(job):
            return None
        self.tokens += 1
        job.state, job.token, job.alive = "running", self.tokens, True
        job.worker, job.claim = worker, claim
        job.attempts += 1
        self.virtual_time = max(self.virtual_time, job.tag)
        data = {"id": job_id, "status": "running", "worker": worker, "attempts": job.attempts}
        self._tell(job, "started", data, "started" if job.attempts == 1 else None)
        return job.token

    def renew(self, job_id: str, token: int) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.token != token or job.over:
            return False
        job.alive = True
        return True

    def commit(
        self, job_id: str, token: int, index: int, segment: Segment, timings: dict[str, float]
    ) -> None:
        job = self._held(job_id, token)
        if index > len(job.segments):
            raise ValueError
        if index < len(job.segments):
            return
        job.segments.append(segment)
        job.timings, job.crashes = timings, 0
        shown = {name: value for name, value in segment.to_dict().items() if name != "key"}
        counts = {"windows_done": index + 1, "windows_total": job.total}
        data = {"id": job_id, "status": "running", "segment": shown, **counts}
        self._tell(job, "window", data, "segment", f"segment-{index:05d}")

    def set_artifact(self, job_id: str, token: int, name: str, key: str) -> None:
        job = self._held(job_id, token)
        if job.artifacts.get(name) != key:
            job.artifacts[name] = key
            self._tell(job, "artifact", {"id": job_id, "artifact": name.removesuffix("_key")})

    def leave(self, job_id: str, token: int, *, after_error: bool, giving_way: bool) -> bool:
        job = self._held(job_id, token)
        if job.cancel:
            self._cancel(job)
            return True
        if after_error:
            job.crashes += 1
            if job.crashes >= self.max_attempts:
                return False
        if giving_way:
            self._next_slice(job)
        self._queue(job)
        return True

    def finish(
        self, job_id: str, token: int, state: JobState, error: JobError | None, artifacts: dict[str, str]
    ) -> None:
        job = self.jobs.get(job_id)
        if job is None or job.token != token:
            raise LeaseLost("lease_lost", "")
        if not job.over:
            job.artifacts |= artifacts
            self._end(job, str(state), error)

    def request_cancel(self, job_id: str) -> None:
        job = self.get(job_id)
        if job.over:
            return
        if not job.alive:
            self._cancel(job)
        elif not job.cancel:
            job.cancel = True
            self._tell(job, "cancel_requested", {"id": job_id, "status": "running"})

    def cancel_requested(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is None or job.cancel or job.over

    def requeue(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        if job is None:
            return False
        if job.state == "queued":
            return True
        if job.state != "running" or job.alive or self._orphaned(job):
            return False
        self._queue(job)
        return True

    def delete(self, job_id: str) -> None:
        self.get(job_id)
        del self.jobs[job_id]

    def get(self, job_id: str) -> ModelJob:
        if job_id not in self.jobs:
            raise NotFound("not_found", "")
        return self.jobs[job_id]

    def outranked(self, job_id: str, windows: int) -> bool:
        job = self.jobs.get(job_id)
        line = self.line(job.spec.model) if job else []
        if job is None or not line:
            return False
        tag = job.tag if windows < self.slice_windows else self._next_tag(job)
        return self._claim(self.jobs[line[0]]) < tag - 1e10 * job.spec.priority

    def expired(self) -> list[str]:
        """When every job that waits has waited long."""
        dead = sorted(job.id for job in self.jobs.values() if job.state == "running" and not job.alive)
        for family in sorted(FAMILIES, key=list(MODELS).index):
            line = self.line(family)
            dead += line[: max(0, len(line) - self.entries[family])]
        return dead

    def take_due(self, now: float, limit: int, hold_seconds: float) -> list[str]:
        due = sorted((owed.due, name) for name, owed in self.owed.items() if owed.due is not None)
        taken = [name for at, name in due if at <= now][:limit]
        for name in taken:
            self.owed[name].due = now + hold_seconds
            self.owed[name].attempts += 1
        return taken

    def mark_sent(self, name: str) -> None:
        self.owed.pop(name, None)

    def retry_later(self, name: str, due: float, reason: str) -> None:
        self._late(name, due, reason)

    def dead_letter(self, name: str, reason: str) -> None:
        self._late(name, None, reason)

    def _late(self, name: str, due: float | None, reason: str) -> None:
        if name in self.owed and self.owed[name].due is not None:
            self.owed[name].due, self.owed[name].reason = due, reason

    # Whose turn it is.

    def claims(self) -> dict[str, float]:
        return {job.id: self._claim(job) for job in self.jobs.values() if job.state == "queued"}

    def line(self, family: str) -> list[str]:
        claims = sorted((claim, job_id) for job_id, claim in self.claims().items())
        return [job_id for _, job_id in claims if self.jobs[job_id].spec.model == family]

    def _claim(self, job: ModelJob) -> float:
        return job.tag - 1e10 * job.spec.priority

    def _next_tag(self, job: ModelJob) -> int:
        return max(self.virtual_time, self.shares.get(job.spec.owner, 0))

    def _next_slice(self, job: ModelJob) -> None:
        job.tag = self._next_tag(job)
        self.shares[job.spec.owner] = job.tag + min(job.total - len(job.segments), self.slice_windows)

    # How a job gets on.

    def _held(self, job_id: str, token: int) -> ModelJob:
        job = self.jobs.get(job_id)
        if job is None or job.token != token or job.state != "running":
            raise LeaseLost("lease_lost", "")
        return job

    def _queue(self, job: ModelJob) -> None:
        job.state, job.token, job.alive = "queued", None, False
        self._tell(job, "queued", {"id": job.id, "status": "queued"})

    def _orphaned(self, job: ModelJob) -> bool:
        if job.cancel:
            self._cancel(job)
            return True
        job.crashes += 1
        if "image_key" in job.artifacts and len(job.segments) < job.total:
            job.redone += 1
        if job.crashes < self.max_attempts:
            return False
        job.token = None
        told = f"the worker died {job.crashes} times while it rendered this video"
        self._end(job, "failed", JobError("worker_lost", told))
        return True

    def _cancel(self, job: ModelJob) -> None:
        job.token = None
        self._end(job, "canceled", JobError("canceled", "canceled on request"))

    def _end(self, job: ModelJob, state: str, error: JobError | None) -> None:
        job.state, job.alive = state, False
        data: dict[str, Any] = {"id": job.id, "status": state}
        if error is not None:
            job.error = error
            data["error"] = error.to_dict()
        self._tell(job, state, data, HOOKS[state])

    def _tell(
        self, job: ModelJob, kind: str, data: dict[str, Any], hook: str | None = None, name: str | None = None
    ) -> None:
        job.events.append((kind, data))
        wanted = job.spec.webhook_events if job.spec.webhook_url else ()
        if hook is not None and f"video.{hook}" in wanted:
            webhook_id = f"msg_{job.id.removeprefix('video_')}_{name or hook}"
            assert webhook_id not in self.owed
            self.owed[webhook_id] = Owed(job.id, f"video.{hook}", data, due=FRESH)
