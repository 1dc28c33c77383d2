"""A job's events as a stream: what has happened first, then what happens, until the job is over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.services import Services
from worker.contract import keys
from worker.contract.errors import NotFound
from worker.contract.job import JobState

BLOCK_MS = 2000
PATIENCE_SECONDS = 30.0
LAST = frozenset(str(state) for state in JobState if state.terminal)
"""A job's last event is named after the state it ended in."""


async def follow(
    redis: Redis, services: Services, job_id: str, after: str, *, allowed: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Events later than the one with id `after` ("0": all). Awaits, so a waiting reader holds no thread.

    A restart of Redis is sat out, for `PATIENCE_SECONDS`; then the stream ends, and a reader comes back with
    the id of the last event it had. It ends too, within seconds, for a reader who is no longer `allowed`.
    """
    patient_until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found = await redis.xread({keys.events(job_id): after}, block=BLOCK_MS)
            if not await run_in_threadpool(allowed):
                return
        except RedisError:
            if time.monotonic() > patient_until:
                raise
            await asyncio.sleep(0.5)
            continue
        patient_until = time.monotonic() + PATIENCE_SECONDS
        for _, rows in found or ():
            for event_id, fields in rows:
                after = event_id.decode()
                kind = fields[b"type"].decode()
                yield ServerSentEvent(raw_data=fields[b"data"].decode(), event=kind, id=after)
                if kind in LAST:
                    return
        if not found:
            # Nothing new: the reader may have had the last event already, or the job was deleted.
            try:
                job = await run_in_threadpool(services.store.get, job_id)
            except NotFound:
                return
            if job.state.terminal:
                return
