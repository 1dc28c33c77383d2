"""The one place where an error becomes a job's state."""

from __future__ import annotations

import contextlib
import logging

from redis.exceptions import RedisError

from worker.contract.errors import (
    DeadlinePassed,
    EngineFailure,
    JobCanceled,
    LeaseLost,
    Magic141Error,
    Unavailable,
)
from worker.contract.job import Job, JobError, JobState
from worker.publish import Publisher
from worker.resident import Outcome, Resident
from worker.timings import Timings

log = logging.getLogger(__name__)


def settle(
    error: Exception, resident: Resident, job: Job, token: int, timings: Timings, publisher: Publisher
) -> Outcome:
    """End a slice that raised: canceled, failed, or left for another try.

    Storage that stays away leaves the job queued however often; anything unexpected fails it after
    `settings.max_attempts` slices. The finished part of a canceled or failed job stays playable.
    """
    match error:
        case LeaseLost() | RedisError():
            log.warning("slice of %s lost: %s", job.id, error)
            return Outcome.LOST
        case Unavailable():
            log.warning("slice of %s left: %s", job.id, error)
            return leave(resident, job, token)
        case JobCanceled():
            return _end(JobState.CANCELED, error, resident, job, token, timings, publisher)
        case DeadlinePassed():
            return _end(JobState.FAILED, error, resident, job, token, timings, publisher)
    log.error("slice of %s raised (attempt %d)", job.id, job.attempts, exc_info=error)
    if job.attempts < resident.settings.max_attempts:
        return leave(resident, job, token)
    return _end(JobState.FAILED, error, resident, job, token, timings, publisher)


def leave(resident: Resident, job: Job, token: int) -> Outcome:
    """Give the job back: running -> queued, the lease gone."""
    try:
        resident.store.leave(job.id, token)
    except (LeaseLost, RedisError) as lost:
        log.warning("%s not left cleanly: %s", job.id, lost)
        return Outcome.LOST
    return Outcome.LEFT


def _end(
    state: JobState,
    error: Exception,
    resident: Resident,
    job: Job,
    token: int,
    timings: Timings,
    publisher: Publisher,
) -> Outcome:
    try:
        # The record below is the truth; the stored playlist is a copy.
        with contextlib.suppress(Magic141Error):
            if publisher.segments:
                publisher.put_playlist(ended=True)
        reason = _reason(error, len(publisher.segments))
        resident.store.finish(
            job.id, token, state, error=reason, artifacts={}, timings=timings.snapshot(finished=True)
        )
    except (LeaseLost, RedisError) as lost:
        log.warning("end of %s not recorded: %s", job.id, lost)
        return Outcome.LOST
    return Outcome(state.value)


def _reason(error: Exception, windows_done: int) -> JobError:
    """What the client is told: the kind of error and where; its text may name paths of this machine."""
    if isinstance(error, Magic141Error) and not isinstance(error, EngineFailure):
        return JobError(error.code, error.message)
    return JobError("engine_error", f"{type(error).__name__} while rendering window {windows_done}")
