"""What is counted over all processes, for /metrics: one hash in Redis that only grows, read without a scan.

A field is `name` or `name:label`; a histogram's are `name:label:le:bound` (not cumulative) and
`name:label:sum`. What belongs to a job's state is counted by the very script that changes it (scripts.py).
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from worker.contract import keys
from worker.contract.models import MODELS

STAGE = "stage_seconds"
BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
INFINITY = "+Inf"


@dataclass(frozen=True)
class Reading:
    """One look, in one round trip. `oldest_wait_seconds` is 0 when nothing waits."""

    counters: dict[str, float]
    queued: int
    running: int
    oldest_wait_seconds: float
    outbox: int
    dead_letters: int
    wakes: int
    """Entries in rq that no worker popped yet."""


def window_counts(seconds: Mapping[str, float], video_seconds: float) -> dict[str, float]:
    """What one committed window adds: a histogram's bucket and sum for each stage, and the video's length."""
    counts = {"windows": 1.0, "video_seconds": video_seconds}
    for stage, value in seconds.items():
        place = bisect.bisect_left(BUCKETS_SECONDS, value)
        bound = str(BUCKETS_SECONDS[place]) if place < len(BUCKETS_SECONDS) else INFINITY
        counts[f"{STAGE}:{stage}:le:{bound}"] = 1.0
        counts[f"{STAGE}:{stage}:sum"] = value
    return counts


class Counters:
    _redis: Redis

    def count(self, field: str, by: float = 1.0) -> None:
        """A count that is lost with a Redis outage is not worth an error."""
        with contextlib.suppress(RedisError):
            self._redis.hincrbyfloat(keys.COUNTERS, field, by)

    def reading(self) -> Reading:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.time().hgetall(keys.COUNTERS).zcard(keys.WAITING_SINCE).scard(keys.RUNNING)
            pipe.zrange(keys.WAITING_SINCE, 0, 0, withscores=True)
            pipe.zcard(keys.OUTBOX).zcard(keys.DEAD_LETTERS)
            for model in MODELS:
                pipe.llen(keys.rq_list(keys.queue_generate(model)))
            (seconds, micros), counters, queued, running, oldest, outbox, dead, *wakes = pipe.execute()
        waited = max(0.0, seconds + micros / 1e6 - oldest[0][1]) if oldest else 0.0
        named = {field.decode(): float(value) for field, value in counters.items()}
        return Reading(named, queued, running, waited, outbox, dead, sum(wakes))
