"""What must hold of the records in Redis at any time, and between a step and the next, whatever the step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from redis import Redis

from worker.contract import keys

TERMINAL = ("succeeded", "failed", "canceled")
NEXT = {
    None: {"queued"},
    "queued": {"queued", "running", "canceled"},
    "running": {"queued", "running", *TERMINAL},
    **{state: {state} for state in TERMINAL},
}
HOOKS = {
    "started": ("video.started", "started"),
    "succeeded": ("video.completed", "completed"),
    "failed": ("video.failed", "failed"),
    "canceled": ("video.canceled", "canceled"),
}

DUMP = """
local all = {}
for _, key in ipairs(redis.call('KEYS', 'magic141:*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'hash' then
    local flat, hash = redis.call('HGETALL', key), {}
    for i = 1, #flat, 2 do hash[flat[i]] = flat[i + 1] end
    all[key] = hash
  elseif kind == 'list' then all[key] = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'zset' then all[key] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'stream' then all[key] = redis.call('XRANGE', key, '-', '+')
  elseif kind == 'set' then all[key] = redis.call('SMEMBERS', key) table.sort(all[key])
  else all[key] = redis.call('GET', key) end
end
return cjson.encode(all)
"""


@dataclass
class Snapshot:
    """All that is kept, read in one step."""

    raw: dict[str, Any]

    @classmethod
    def of(cls, redis: Redis) -> Snapshot:
        return cls(json.loads(redis.eval(DUMP, 0)))

    def jobs(self) -> list[str]:
        """By the index."""
        return list(self.scores(keys.INDEX))

    def record(self, job_id: str) -> dict[str, str]:
        return self.hash(keys.job(job_id))

    def hash(self, key: str) -> dict[str, str]:
        return self.raw.get(key, {})

    def scores(self, key: str) -> dict[str, float]:
        """In the order of the set."""
        return {member: float(score) for member, score in pairs(self.raw.get(key, []))}

    def list(self, key: str) -> list[Any]:
        return list(self.raw.get(key, []))

    def events(self, job_id: str) -> list[tuple[str, dict[str, Any]]]:
        rows = [dict(pairs(fields)) for _, fields in self.list(keys.events(job_id))]
        return [(row["type"], json.loads(row["data"])) for row in rows]


def pairs(flat: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def check(before: Snapshot, after: Snapshot, sent: set[str]) -> None:
    """`sent`: the webhooks that were delivered, and so are owed no more."""
    line, running = waiting(after), set(after.list(keys.RUNNING))
    jobs = after.jobs()
    assert set(line) | running <= set(jobs)
    assert set(after.scores(keys.WAITING_SINCE)) == set(line)
    _check_counts(before, after)
    owed = set(after.scores(keys.OUTBOX)) | set(after.scores(keys.DEAD_LETTERS))
    for job_id in jobs:
        _check_places(job_id, after, line, running)
        if job_id not in before.jobs() or _of(job_id, before) != _of(job_id, after):
            _check_step(job_id, before, after)
        wanted = _wanted(job_id, after)
        assert len(wanted) == len(set(wanted))
        assert {name for name in owed | sent if name.startswith(_prefix(job_id))} == set(wanted)
    for job_id in set(before.jobs()) - set(jobs):
        assert not [key for key in after.raw if key.startswith(keys.job(job_id))]
    assert {f"{keys.OUTBOX_PREFIX}{name}" for name in owed} == {
        key for key in after.raw if key.startswith(keys.OUTBOX_PREFIX)
    }
    _check_tokens(before, after)


def waiting(at: Snapshot) -> dict[str, float]:
    """Each job that waits and its claim; it is in its own model's line, by claim and age, and in no other."""
    claims: dict[str, float] = {}
    for key in at.raw:
        if key.startswith(keys.PENDING_PREFIX):
            line = at.scores(key)
            assert list(line) == sorted(line, key=lambda job_id: (line[job_id], job_id))
            assert {keys.pending(at.record(job_id)["model"]) for job_id in line} == {key}
            claims |= line
    return claims


def _of(job_id: str, at: Snapshot) -> list[Any]:
    names = (keys.job(job_id), keys.windows(job_id), keys.events(job_id), keys.lease(job_id))
    return [at.raw.get(name) for name in names]


def _check_places(job_id: str, at: Snapshot, line: dict[str, float], running: set[str]) -> None:
    """A job is in the one place that its state names, and held only while it runs."""
    record = at.record(job_id)
    state = record["state"]
    assert (job_id in line, job_id in running) == (state == "queued", state == "running")
    assert ("claim" in record) == (state == "running")
    assert "token" in record or state != "running"
    assert "token" not in record or state != "queued"
    lease = at.raw.get(keys.lease(job_id))
    assert lease is None or (state == "running" and lease == record["token"])
    assert ("finished_at" in record) == (state in TERMINAL)
    told = [kind for kind, _ in at.events(job_id) if kind in (*HOOKS, "queued")]
    assert {"started": "running"}.get(told[-1], told[-1]) == state
    assert [json.loads(row)["index"] for row in at.list(keys.windows(job_id))] == list(
        range(len(at.list(keys.windows(job_id))))
    )


def _check_step(job_id: str, before: Snapshot, after: Snapshot) -> None:
    """States go along the arrows, windows and events are only added, and an end is an end."""
    old, new = before.record(job_id), after.record(job_id)
    assert new["state"] in NEXT[old.get("state")]
    assert old.get("state") not in TERMINAL, "a job that ended changed"
    for key, most in ((keys.windows(job_id), 1), (keys.events(job_id), 2)):
        was, now = before.list(key), after.list(key)
        assert now[: len(was)] == was
        assert len(now) - len(was) <= most
    news = [kind for kind, _ in after.events(job_id)[len(before.events(job_id)) :]]
    took_again = new.get("token") != old.get("token")
    if new["state"] != old.get("state") or (new["state"] == "running" and took_again):
        assert news.count({"running": "started"}.get(new["state"], new["state"])) == 1
    redone = int(new.get("windows_redone", 0)) - int(old.get("windows_redone", 0))
    lost = old.get("state") == "running" and keys.lease(job_id) not in before.raw and took_again
    assert redone in (0, 1)
    assert not redone or lost, "a window is redone only where a lease was lost"


def _check_tokens(before: Snapshot, after: Snapshot) -> None:
    def tokens(at: Snapshot) -> set[int]:
        return {int(record["token"]) for record in map(at.record, at.jobs()) if "token" in record}

    new = tokens(after) - tokens(before)
    assert all(token > int(before.raw.get(keys.LEASE_COUNTER, 0)) for token in new)


def _prefix(job_id: str) -> str:
    return f"msg_{job_id.removeprefix('video_')}_"


def _wanted(job_id: str, at: Snapshot) -> list[str]:
    """The ids of the webhooks that the job's events call for."""
    spec = json.loads(at.record(job_id)["spec"])
    names, started = [], False
    for kind, data in at.events(job_id):
        if kind == "window":
            hook, name = "video.segment", f"segment-{data['segment']['index']:05d}"
        elif kind in HOOKS and not (kind == "started" and started):
            hook, name = HOOKS[kind]
            started = True
        else:
            continue
        if spec["webhook_url"] and hook in spec["webhook_events"]:
            names.append(f"{_prefix(job_id)}{name}")
    return names


def _check_counts(before: Snapshot, after: Snapshot) -> None:
    """Each job is counted once when it is accepted and once when it ends, whatever is sent twice."""

    def state(job_id: str, at: Snapshot) -> str | None:
        return at.record(job_id).get("state")

    def grown(field: str) -> int:
        was, now = before.hash(keys.COUNTERS).get(field, 0), after.hash(keys.COUNTERS).get(field, 0)
        return int(now) - int(was)

    new = set(after.jobs()) - set(before.jobs())
    assert grown("accepted") == len(new)
    for ending in TERMINAL:
        ended = [job for job in after.jobs() if state(job, after) == ending != state(job, before)]
        assert grown(f"ended:{ending}") == len(ended)
