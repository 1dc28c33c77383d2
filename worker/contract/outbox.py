"""Webhooks that are owed: written by the scripts that change a job's state, worked off here."""

import json
from collections.abc import Mapping

from redis import Redis

from worker.contract import keys, scripts
from worker.contract.errors import NotFound
from worker.contract.job import OutboxEntry

FARTHEST_SECONDS = 600.0  # farther off than a courier puts any next try


class Outbox:
    """At least once: an entry leaves only by `mark_sent` or `dead_letter`; its webhook id never changes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take_due = redis.register_script(scripts.TAKE_DUE)
        self._redeliver = redis.register_script(scripts.REDELIVER)
        self._put_off = redis.register_script(scripts.PUT_OFF)

    def take_due(
        self, now: float | None = None, *, limit: int = 16, hold_seconds: float = 60
    ) -> list[OutboxEntry]:
        """Entries that are due, oldest first, each held from other takers for `hold_seconds`.

        `now` is Unix seconds, by default the server's clock. If the taker dies, it is due after the hold; if
        that clock is set back, at once.
        """
        farthest = max(FARTHEST_SECONDS, 2 * hold_seconds)
        rows = self._take_due(args=["" if now is None else now, limit, hold_seconds, farthest])
        return [_entry(row[0].decode(), dict(zip(row[1][::2], row[1][1::2], strict=True))) for row in rows]

    def mark_sent(self, webhook_id: str) -> None:
        with self._redis.pipeline() as pipe:
            pipe.zrem(keys.OUTBOX, webhook_id).zrem(keys.DEAD_LETTERS, webhook_id)
            pipe.delete(keys.outbox_entry(webhook_id)).execute()

    def retry_later(self, webhook_id: str, due_at: float, *, reason: str = "") -> None:
        """Try again at `due_at` (Unix seconds), unless another taker settled it meanwhile."""
        self._put_off(args=[webhook_id, reason, due_at])

    def dead_letter(self, webhook_id: str, *, reason: str = "") -> None:
        """Give up on it, likewise; it stays readable in `dead_letters`."""
        self._put_off(args=[webhook_id, reason, ""])

    def dead_letters(self, owner: str | None = None) -> list[OutboxEntry]:
        """What was given up, oldest first: an owner's, or all."""
        ids = [row.decode() for row in self._redis.zrange(keys.DEAD_LETTERS, 0, -1)]
        with self._redis.pipeline(transaction=False) as pipe:
            for webhook_id in ids:
                pipe.hgetall(keys.outbox_entry(webhook_id))
            found = pipe.execute()
        rows = zip(ids, found, strict=True)
        entries = [_entry(webhook_id, fields) for webhook_id, fields in rows if fields]
        return [entry for entry in entries if owner is None or entry.owner == owner]

    def redeliver(self, webhook_id: str, owner: str) -> None:
        """Owe a dead letter again, under its id, with as many tries as the first time.

        Raises NotFound where it is no dead letter of the owner's.
        """
        if not self._redeliver(args=[webhook_id, owner]):
            raise NotFound("not_found", f"there is no dead letter {webhook_id}")

    def forget_dead_letters(self, before: float) -> int:
        """Those given up before a time (Unix seconds) for good. Returns how many."""
        ids = [row.decode() for row in self._redis.zrangebyscore(keys.DEAD_LETTERS, "-inf", before)]
        with self._redis.pipeline() as pipe:
            for webhook_id in ids:
                pipe.zrem(keys.DEAD_LETTERS, webhook_id).delete(keys.outbox_entry(webhook_id))
            pipe.execute()
        return len(ids)


def _entry(webhook_id: str, fields: Mapping[bytes, bytes]) -> OutboxEntry:
    reason = fields.get(b"reason")
    return OutboxEntry(
        webhook_id=webhook_id,
        job_id=fields[b"job_id"].decode(),
        owner=fields[b"owner"].decode(),
        type=fields[b"type"].decode(),
        url=fields[b"url"].decode(),
        created_at=float(fields[b"created_at"]),
        attempts=int(fields[b"attempts"]),
        data=json.loads(fields[b"data"]),
        reason=reason.decode() if reason else None,
        trace=json.loads(fields.get(b"trace") or b"{}"),
    )
