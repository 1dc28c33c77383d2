"""The one place where an error becomes a job's state."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from worker.contract import errors, tracing
from worker.contract.job import JobError, JobState
from worker.resident import Outcome

if TYPE_CHECKING:
    from worker.slice import Slice

log = logging.getLogger(__name__)


def settle(error: Exception, at: Slice) -> Outcome:
    """End a slice that raised: canceled, failed, or left for another try.

    Storage that stays away leaves the job queued however often; anything unexpected fails it once it happened
    `settings.max_attempts` times without a window in between. The finished part of a canceled or failed job
    stays playable.
    """
    job = at.job
    match error:
        case errors.LeaseLost() | RedisError():
            log.warning("slice of %s lost: %s", job.id, error)
            return Outcome.LOST
        case errors.Unavailable():
            log.warning("slice of %s left: %s", job.id, error)
            return leave(at)
        case errors.JobCanceled():
            return _end(JobState.CANCELED, error, at)
        case errors.DeadlinePassed() | errors.InvalidRequest():
            return _end(JobState.FAILED, error, at)
    log.error("slice of %s raised (attempt %d)", job.id, job.attempts, exc_info=error)
    tracing.failed(error)
    at.resident.store.count("engine_errors")
    at.resident.faulty.set()
    at.resident.stopping.set()
    return leave(at, after=error)


def leave(at: Slice, *, after: Exception | None = None, giving_way: bool = False) -> Outcome:
    """Give the job back: running -> queued, the lease gone. After too many errors in a row, end it."""
    store = at.resident.store
    try:
        left = store.leave(at.job.id, at.lease.token, after_error=after is not None, giving_way=giving_way)
    except (errors.LeaseLost, RedisError) as lost:
        log.warning("%s not left cleanly: %s", at.job.id, lost)
        return Outcome.LOST
    return Outcome.LEFT if left or after is None else _end(JobState.FAILED, after, at)


def _end(state: JobState, error: Exception, at: Slice) -> Outcome:
    try:
        # The record below is the truth; the stored playlist is a copy.
        with contextlib.suppress(errors.Unavailable, errors.JobCanceled, errors.DeadlinePassed):
            at.publisher.end_playlist()
        timings = at.timings.snapshot(finished=True)
        at.resident.store.finish(at.job.id, at.lease.token, state, error=_reason(error, at), timings=timings)
    except (errors.LeaseLost, RedisError) as lost:
        log.warning("end of %s not recorded: %s", at.job.id, lost)
        return Outcome.LOST
    return Outcome(state.value)


def _reason(error: Exception, at: Slice) -> JobError:
    """What the client is told: the kind of error and where; its text may name paths of this machine."""
    if isinstance(error, errors.Magic141Error) and not isinstance(error, errors.EngineFailure):
        return JobError(error.code, error.message)
    place = f"while rendering window {len(at.publisher.segments)}"
    if len(at.publisher.segments) == at.job.windows_total:
        place = "while finishing the video"
    return JobError("engine_error", f"{type(error).__name__} {place}")
