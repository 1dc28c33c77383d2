"""What a request costs, in numbers that do not depend on the machine: round trips to Redis, and threads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import httpx
import pytest
from anyio.to_thread import run_sync
from redis import Redis
from redis.connection import Connection

from tests.contract.specs import segment, spec
from worker.contract import keys, line, presence
from worker.contract.store import JobStore

BODY = {"prompt": "a red ball", "seconds": 2}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The round trips of the API, which is in this process, and its changes of threads."""
    found: list[str] = []
    send = Connection.send_packed_command

    def sending(self: Connection, command: object, *args: object, **more: object) -> None:
        found.append("trip")
        send(self, command, *args, **more)

    async def hopping(*args: object, **more: object) -> object:
        found.append("thread")
        return await run_sync(*args, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "send_packed_command", sending)
        patched.setattr("anyio.to_thread.run_sync", hopping)
        patched.setattr(line, "FRESH_SECONDS", 60.0)
        patched.setattr(presence, "FRESH_SECONDS", 60.0)
        patched.setattr("app.auth.FRESH_SECONDS", 60.0)
        patched.setattr(Connection, "check_health", mock.Mock())
        yield found


def waiting(store: JobStore, jobs: int) -> list[str]:
    return [store.create(spec(), windows_total=2).id for _ in range(jobs)]


def measured(redis: Redis) -> None:
    """So that there is an ETA to tell."""
    redis.rpush(keys.window_seconds("mini"), *["0.5"] * 64)


@pytest.mark.parametrize("jobs", [0, 300])
def test_a_create_and_a_poll_are_one_round_trip_and_one_thread_each(
    jobs: int, api: httpx.Client, store: JobStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(store, jobs)
    store.create(spec(model="wan2.1-i2v-4step", priority=5), windows_total=9)  # in a line of its own
    measured(redis)
    store.worker_seen("worker-0", {"model": "mini"})
    time.sleep(0.3)  # what the API remembers of the tests before is too old by then
    where = api.post("/v1/videos", json=BODY).headers["location"]
    video = where.replace("jobs", "videos")
    api.get(where)  # Redis has the scripts, and the API has read keys and backlog
    with counted(monkeypatch) as found:
        assert api.post("/v1/videos", json=BODY).status_code == 202
        assert found == ["thread", "trip"]
        for path in (where, video):
            found.clear()
            assert api.get(path).status_code == 200
            assert found == ["thread", "trip"]
    job = api.get(where).json()
    assert (job["position"], job["eta_seconds"]) == (jobs + 1, pytest.approx((2 * jobs + 2) * 0.5, abs=1.1))


def test_a_long_job_costs_no_more_trips(
    api: httpx.Client, store: JobStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = store.create(spec(), windows_total=60).id
    token = store.take(job_id, "worker-0")
    assert token is not None
    for index in range(59):
        store.commit_window(job_id, token, segment(job_id, index), timings={})
    api.get(f"/v1/jobs/{job_id}")
    with counted(monkeypatch) as found:
        assert len(api.get(f"/v1/jobs/{job_id}").json()["segments"]) == 59
        assert found == ["thread", "trip"]
    with counted(monkeypatch) as found:
        assert api.get("/v1/jobs?limit=50").status_code == 200
        assert found.count("trip") == 3  # ids, records, and that no more follow
