"""The job record in Redis: it moves only forward, in atomic steps (scripts.py) that can be replayed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence

from redis import Redis

from worker.contract import keys, queue, scripts
from worker.contract.counters import Counters
from worker.contract.errors import Conflict, LeaseLost, LimitReached, NotFound, QueueFull
from worker.contract.job import Event, Job, JobError, JobSpec, JobState, Segment, new_job_id
from worker.contract.line import Line
from worker.contract.outbox import Outbox
from worker.contract.settings import Settings
from worker.contract.trash import Trash

ARTIFACTS = ("image_key", "video_key", "thumbnail_key", "sprites_key")
IDEMPOTENCY_SECONDS = 86400


class JobStore(Outbox, Line, Trash, Counters):
    """Jobs, their leases and events, whose turn it is, who works on them, and the webhooks owed for them.

    Args:
        redis: from `worker.contract.queue.connect`.
        settings: lease_seconds, max_attempts, slice_windows and the limits of queue, rate and quota are used.
    """

    def __init__(self, redis: Redis, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        Outbox.__init__(self, redis)
        Line.__init__(self, redis, settings.slice_windows)
        Trash.__init__(self, redis)
        self._lease_ms = int(settings.lease_seconds * 1000)
        self._max_attempts = settings.max_attempts
        self._queue_limit = settings.queue_limit
        self._queue_limit_per_key = settings.queue_limit_per_key
        self._rate_limit_per_minute = settings.rate_limit_per_minute
        self._quota_seconds_per_day = settings.quota_seconds_per_day
        self._wakes = queue.Wakes(redis)
        self._create = redis.register_script(scripts.CREATE)
        self._records = redis.register_script(scripts.READ)
        self._take = redis.register_script(scripts.TAKE)
        self._renew = redis.register_script(scripts.RENEW)
        self._leave = redis.register_script(scripts.LEAVE)
        self._commit = redis.register_script(scripts.COMMIT)
        self._set_artifact = redis.register_script(scripts.SET_ARTIFACT)
        self._finish = redis.register_script(scripts.FINISH)
        self._request_cancel = redis.register_script(scripts.REQUEST_CANCEL)
        self._requeue = redis.register_script(scripts.REQUEUE)
        self._delete = redis.register_script(scripts.DELETE)
        self._begin_window = redis.register_script(scripts.BEGIN_WINDOW)
        self._amend = redis.register_script(scripts.AMEND)

    def create(
        self,
        spec: JobSpec,
        *,
        windows_total: int,
        idempotency: tuple[str, str] | None = None,
        shared: Sequence[Segment] = (),
        trace: Mapping[str, str] | None = None,
    ) -> Job:
        """Accept a job: record, index, event, place in the line and rq entry in one step.

        Args:
            idempotency: (hash of the client's key, hash of the body); the same pair again gives the same job.
            shared: the first windows of another job, which are this one's too; their files stay for it.
            trace: the context that its slices and webhooks go on with (tracing.carried).

        Raises:
            Conflict: the idempotency key was used with another body, or what is shared was just deleted.
            QueueFull: queue_limit jobs are waiting, or queue_limit_per_key of this owner's.
            LimitReached: the owner's rate or quota; what is refused, or was accepted before, is not charged.
        """
        key_hash, body_hash = idempotency or ("", "")
        limit, own_limit = self._queue_limit, self._queue_limit_per_key
        new_id = new_job_id()
        args = [new_id, json.dumps(spec.to_dict()), spec.owner, limit, body_hash, IDEMPOTENCY_SECONDS]
        asked = spec.seconds - sum(segment.num_frames for segment in shared) / spec.fps
        args += [self._slice_windows, _or_empty(own_limit), _shared(spec, shared)]
        args += [_or_empty(self._rate_limit_per_minute), _or_empty(self._quota_seconds_per_day), asked]
        trace = dict(trace or {})
        args += [windows_total, spec.priority, spec.model, json.dumps(trace), *self._wakes.entry(new_id)]
        status, found, *more = self._create(
            keys=[keys.idempotency(spec.owner, key_hash)] if idempotency else [], args=args
        )
        if status == b"created":
            return Job(
                id=new_id,
                spec=spec,
                state=JobState.QUEUED,
                created_at=float(more[0]),
                windows_total=windows_total,
                segments=tuple(shared),
                trace=trace,
                position=int(more[1]) + 1,
            )
        job_id = found.decode()
        if status == b"conflict":
            raise Conflict("idempotency_conflict", "this Idempotency-Key was used with another body")
        if status == b"gone":
            raise Conflict("source_gone", f"{job_id} was deleted")
        if status == b"full":
            message = f"{limit} jobs are waiting already"
            raise QueueFull("queue_full", message, retry_after=self._seconds_to_room())
        if status == b"full_for_owner":
            message = f"{own_limit} jobs of this API key are waiting already"
            raise QueueFull("key_queue_full", message, retry_after=self._seconds_to_room())
        if status in (b"rate_limited", b"quota_exceeded"):
            raise _limit_reached(status.decode(), int(found), float(more[0]), asked)
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        jobs = self._read([job_id])
        if not jobs:
            raise NotFound("not_found", f"there is no job {job_id}")
        return jobs[0]

    def list(
        self,
        owner: str,
        *,
        status: JobState | None = None,
        metadata: Mapping[str, str] | None = None,
        after: str | None = None,
        limit: int = 20,
        order: str = "desc",
    ) -> tuple[Sequence[Job], bool]:
        """A page of the owner's jobs by age, and whether more follow; `after` is the last id already seen."""
        page: MutableSequence[Job] = []
        for job in self._walk(owner, after, order):
            if status is not None and job.state is not status:
                continue
            if metadata and any(job.spec.metadata.get(key) != value for key, value in metadata.items()):
                continue
            if len(page) == limit:
                return page, True
            page.append(job)
        return page, False

    def take(self, job_id: str, worker: str) -> int | None:
        """Take the job and its lease. Returns the token, or None when it is held, over or unknown."""
        return self._take(
            args=[job_id, worker, self._lease_ms, secrets.token_hex(8), self._max_attempts],
        )

    def renew(self, job_id: str, token: int) -> bool:
        """Prolong the lease by its length from now; False when the job is no longer this token's."""
        return bool(self._renew(args=[job_id, token, self._lease_ms]))

    def leave(self, job_id: str, token: int, *, after_error: bool = False, giving_way: bool = False) -> bool:
        """Give the job back: running -> queued (or canceled, if asked for). The caller wakes a worker for it.

        It keeps its claim, so that it is the next to go on, unless it is `giving_way`.
        False, and nothing given back, after the max_attempts-th error or crash without a window in between.
        Raises LeaseLost.
        """
        most = self._max_attempts if after_error else ""
        left = self._leave(args=[job_id, token, most, self._slice_windows if giving_way else ""])
        if not left:
            raise _stale(job_id)
        return left == 1

    def commit_window(
        self,
        job_id: str,
        token: int,
        segment: Segment,
        *,
        timings: Mapping[str, float],
        counts: Mapping[str, float] | None = None,
    ) -> Job:
        """Record a window whose segment and state are in storage already, and tell of it.

        Args:
            timings: seconds by stage over the whole job up to now; replaces what was recorded.
            counts: what the window adds to the counters (counters.py), once.

        Raises:
            LeaseLost: the token is stale.
            ValueError: an earlier window is missing.
        """
        args = [job_id, token, segment.index, json.dumps(segment.to_dict()), json.dumps(dict(timings))]
        args.append(json.dumps(dict(counts or {})))
        outcome = self._commit(args=args)
        if outcome == -1:
            raise _stale(job_id)
        if outcome == -2:
            raise ValueError(f"window {segment.index} of {job_id} does not follow the last committed one")
        return self.get(job_id)

    def begin_window(self, job_id: str, token: int, index: int) -> JobSpec:
        """What the job asks for now that window `index` is begun: from here on its prompt stands.

        Raises LeaseLost.
        """
        spec = self._begin_window(args=[job_id, token, index])
        if spec is None:
            raise _stale(job_id)
        return JobSpec.from_dict(json.loads(spec))

    def amend(self, job_id: str, change: Callable[[JobSpec], tuple[JobSpec, int | None]]) -> Job:
        """Change what an unfinished job asks for.

        Args:
            change: gives the new spec and the first window it changes (None: none); called again when
                somebody else's change came between.

        Raises:
            Conflict: the job is over, or that window was begun.
            NotFound
        """
        while True:
            read = self._redis.hget(keys.job(job_id), "spec")
            if read is None:
                raise NotFound("not_found", f"there is no job {job_id}")
            spec, first = change(JobSpec.from_dict(json.loads(read)))
            new = json.dumps(spec.to_dict())
            args = [job_id, read, new, spec.priority, "" if first is None else first]
            outcome = self._amend(args=args)
            if outcome == b"over":
                raise Conflict("job_over", "the job is over")
            if outcome == b"begun":
                raise Conflict("already_rendered", f"window {first} was begun already")
            if outcome == b"amended":
                return self.get(job_id)

    def set_artifact(self, job_id: str, token: int, field: str, key: str) -> None:
        """Record an artefact (`image_key`, `video_key`, `thumbnail_key`, `sprites_key`). Raises LeaseLost."""
        if field not in ARTIFACTS:
            raise ValueError(f"{field} is none of {ARTIFACTS}")
        if not self._set_artifact(args=[job_id, token, field, key]):
            raise _stale(job_id)

    def finish(
        self,
        job_id: str,
        token: int,
        state: JobState,
        *,
        error: JobError | None = None,
        artifacts: Mapping[str, str] | None = None,
        timings: Mapping[str, float] | None = None,
    ) -> Job:
        """End the job: state, artefacts, event and webhook in one step, replayable. Raises LeaseLost."""
        if not state.terminal:
            raise ValueError(f"{state} does not end a job")
        unknown = set(artifacts or {}) - set(ARTIFACTS)
        if unknown:
            raise ValueError(f"{sorted(unknown)} are none of {ARTIFACTS}")
        done = self._finish(
            args=[
                job_id,
                token,
                str(state),
                json.dumps(error.to_dict()) if error else "",
                json.dumps(dict(artifacts or {})),
                json.dumps(dict(timings)) if timings is not None else "",
            ]
        )
        if not done:
            raise _stale(job_id)
        return self.get(job_id)

    def request_cancel(self, job_id: str) -> Job:
        """A job nobody renders ends at once, a running one gets the flag; idempotent. Raises NotFound."""
        self._request_cancel(args=[job_id])
        return self.get(job_id)

    def cancel_requested(self, job_id: str) -> bool:
        """True too when the job was deleted or ended under the worker: there is nothing to render for."""
        state, flag = self._redis.hmget(keys.job(job_id), "state", "cancel_requested")
        return state is None or flag == b"1" or JobState(state.decode()).terminal

    def delete(self, job_id: str) -> None:
        """Forget the job; whoever renders it is stale from here on. Webhooks owed for it are still sent.

        Its files are trash from here on, unless another job shares them.
        """
        if not self._delete(args=[job_id]):
            raise NotFound("not_found", f"there is no job {job_id}")

    def ended_before(self, at: float, limit: int = 100) -> Sequence[str]:
        """Ids of jobs that ended before a time (Unix seconds), oldest first."""
        ids = self._redis.zrangebyscore(keys.FINISHED, "-inf", at, start=0, num=limit)
        return [member.decode() for member in ids]

    def requeue(self, job_id: str) -> bool:
        """Queue a job that `expired` named, and wake a worker for it.

        True when it waits again, False when it goes on or has ended.
        """
        return bool(self._requeue(args=[job_id, self._max_attempts, *self._wakes.entry(job_id)]))

    def events(self, job_id: str, after: str = "-") -> Sequence[Event]:
        """Events later than the one with id `after`, oldest first; all by default."""
        start = "-" if after == "-" else f"({after}"
        return [_event(*row) for row in self._redis.xrange(keys.events(job_id), min=start)]

    def _seconds_to_room(self) -> int:
        running = self._read(self._running())
        windows = [(job, self.window_seconds(job.spec.model)) for job in running]
        left = [(job.windows_total - job.windows_done) * window.seconds for job, window in windows if window]
        return max(1, round(min(left))) if left else 5

    def _walk(self, owner: str, after: str | None, order: str) -> Iterator[Job]:
        index, batch = keys.owner_index(owner), 100
        while True:
            start = f"({after}" if after else None
            if order == "asc":
                ids = self._redis.zrangebylex(index, start or "-", "+", start=0, num=batch)
            else:
                ids = self._redis.zrevrangebylex(index, start or "+", "-", start=0, num=batch)
            if not ids:
                return
            yield from self._read([member.decode() for member in ids])
            after = ids[-1].decode()

    def _read(self, ids: Sequence[str]) -> Sequence[Job]:
        found = self._records(args=ids) if ids else []
        return [_job(job_id, record) for job_id, record in zip(ids, found, strict=True) if record]


def _shared(spec: JobSpec, segments: Sequence[Segment]) -> str:
    """What CREATE notes of the files of others that a job uses: JSON, or '' where it uses none."""
    used = [segment.key for segment in segments] + [spec.image_key or ""]
    sources = sorted({found for key in used if (found := keys.video_of(key))})
    windows = [json.dumps(segment.to_dict()) for segment in segments]
    return json.dumps({"windows": windows, "sources": sources}) if sources else ""


def _or_empty(limit: float | None) -> float | str:
    return "" if limit is None else limit


def _limit_reached(code: str, retry_after: int, amount: float, asked: float) -> LimitReached:
    if code == "rate_limited":
        message = f"{amount:g} jobs of this API key were accepted within a minute"
        return LimitReached("rate_limited", message, retry_after=retry_after)
    message = f"{asked:g} s of video are asked for, and {amount:g} s are left to this API key today (UTC)"
    return LimitReached("quota_exceeded", message, retry_after=retry_after)


def _stale(job_id: str) -> LeaseLost:
    return LeaseLost("lease_lost", f"another worker may hold {job_id} now, or it is over")


def _event(event_id: bytes, fields: Mapping[bytes, bytes]) -> Event:
    return Event(event_id.decode(), fields[b"type"].decode(), json.loads(fields[b"data"]))


def _job(job_id: str, record: bytes) -> Job:
    text = json.loads(record)
    return Job(
        id=job_id,
        spec=JobSpec.from_dict(text["spec"]),
        state=JobState(text["state"]),
        created_at=float(text["created_at"]),
        started_at=float(text["started_at"]) if "started_at" in text else None,
        finished_at=float(text["finished_at"]) if "finished_at" in text else None,
        windows_total=int(text["windows_total"]),
        windows_redone=int(text.get("windows_redone", 0)),
        attempts=int(text.get("attempts", 0)),
        worker=text.get("worker"),
        segments=tuple(Segment.from_dict(window) for window in text["windows"]),
        error=JobError(**json.loads(text["error"])) if "error" in text else None,
        timings=json.loads(text.get("timings", "{}")),
        cancel_requested=text.get("cancel_requested") == "1",
        trace=json.loads(text.get("trace", "{}")),
        position=text["rank"] + 1 if "rank" in text else None,
        **{field: text.get(field) for field in ARTIFACTS},
    )
