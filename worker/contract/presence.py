"""Who is at work: each worker's sign of life, and how long windows have been taking."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redis import Redis

from worker.contract import keys

FRESH_SECONDS = 0.1
"""How old what a create or a poll goes by may be, where it is not the job itself."""


class Estimate(NamedTuple):
    """`error` is a standard deviation: of one window's time, or of so many windows that all err alike."""

    seconds: float
    error: float

    def times(self, windows: float) -> Estimate:
        return Estimate(self.seconds * windows, self.error * windows)


class Presence:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._told: dict[str, tuple[float, Sequence[Mapping[str, Any]]]] = {}
        """`of_model`, and when it was read."""

    def worker_seen(self, name: str, info: Mapping[str, Any], ttl: float = 15) -> None:
        """A worker's sign of life with what it tells of itself (`model`: what it has loaded and
        warm; `paints`: whether it makes a picture where none is given; `largest_pixels`: width times
        height of the largest picture that it has memory for)."""
        with self._redis.pipeline() as pipe:
            pipe.set(keys.worker(name), json.dumps(dict(info)), px=int(ttl * 1000))
            pipe.sadd(keys.WORKERS, name)
            pipe.execute()

    def workers(self) -> dict[str, dict[str, Any]]:
        """The workers alive now, by name."""
        names = sorted(member.decode() for member in self._redis.smembers(keys.WORKERS))
        infos = self._redis.mget([keys.worker(name) for name in names]) if names else []
        gone = [name for name, info in zip(names, infos, strict=True) if info is None]
        if gone:
            self._redis.srem(keys.WORKERS, *gone)
        return {name: json.loads(info) for name, info in zip(names, infos, strict=True) if info is not None}

    def models(self) -> set[str]:
        """Those that some worker alive now has loaded and warm."""
        return {info["model"] for info in self.workers().values() if info.get("model")}

    def of_model(self, model: str, *, max_age_seconds: float = 0.0) -> Sequence[Mapping[str, Any]]:
        """What the workers alive that have that model tell of themselves, or told no longer ago than that."""
        now, (read_at, told) = time.monotonic(), self._told.get(model, (0.0, None))
        if told is None or now - read_at >= max_age_seconds:
            told = [info for info in self.workers().values() if info.get("model") == model]
            self._told[model] = (now, told)
        return told

    def paints(self, model: str) -> bool:
        """Whether a worker alive can make the picture that a job of that model lacks; True too where none is
        there to ask. Each create without a picture asks: memory is enough for one that can, for nothing else.
        """
        for age in (FRESH_SECONDS, 0.0):
            told = self.of_model(model, max_age_seconds=age)
            if any(info.get("paints", True) for info in told):
                return True
        return not told

    def window_seconds(self, model: str) -> Estimate | None:
        """The time between two commits of one job of that model, by the last 64 measured; None before the
        first."""
        times = [float(value) for value in self._redis.lrange(keys.window_seconds(model), 0, -1)]
        return Estimate(statistics.fmean(times), statistics.pstdev(times)) if times else None
