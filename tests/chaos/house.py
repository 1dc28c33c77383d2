"""A whole service that is going to be hurt, as its clients see it: by HTTP, and by its pid files."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.chaos.clock import Clock
from tests.chaos.far import Far, far
from tests.chaos.receiver import SECRET, Receiver, receiver
from tests.service import running

T = TypeVar("T")
PATIENCE_SECONDS = 240.0  # for a job of a few seconds, whatever happens to it


@dataclass
class House:
    http: httpx.Client
    data_dir: Path
    hooks: Receiver
    far: Far | None = None
    clock: Clock | None = None

    def pid(self, name: str) -> int:
        """Of a living process; waits while the supervisor starts it again."""
        file = self.data_dir / "run" / f"{name}.pid"
        return wait_for(lambda: int(file.read_text()) if file.exists() else None, 30)

    def signal(self, name: str, number: int) -> int:
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def warm_ups(self) -> int:
        """How often a worker has become warm, over all of them: one more than before tells of a fresh one."""
        logs = (self.data_dir / "logs").glob("worker-*.log")
        return sum(log.read_text(errors="replace").count(" is warm ") for log in logs)

    def post(self, **body: Any) -> str:
        """The id of a job that was accepted; tries again, with one key, while the service can't promise."""
        headers = {"idempotency-key": os.urandom(8).hex()}
        answer = self._ask("POST", "/v1/videos", json={"webhook_url": self.hooks.url} | body, headers=headers)
        return answer.json()["id"]

    def job(self, job_id: str) -> dict[str, Any]:
        return self._ask("GET", f"/v1/jobs/{job_id}").json()

    def ended(self, job_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ("succeeded", "failed", "canceled") else None

        return wait_for(look, PATIENCE_SECONDS, every=0.1)

    def video(self, job_id: str) -> str:
        """SHA-256 of the MP4."""
        return hashlib.sha256(self._ask("GET", f"/v1/videos/{job_id}/content").content).hexdigest()

    def events(self, job_id: str) -> list[tuple[float, str, dict[str, Any]]]:
        """(Unix seconds by Redis's clock, type, data) of all events of a job that has ended."""
        found = []
        for block in self._ask("GET", f"/v1/jobs/{job_id}/events").text.strip().split("\n\n"):
            fields = dict(line.partition(": ")[::2] for line in block.splitlines())
            if "id" in fields:
                at = int(fields["id"].partition("-")[0]) / 1000
                found.append((at, fields["event"], json.loads(fields["data"])))
        return found

    def windows_told(self, job_id: str) -> list[int]:
        """Indices of the windows in the job's events, as they came."""
        return [data["segment"]["index"] for _, kind, data in self.events(job_id) if kind == "window"]

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        def ask() -> httpx.Response | None:
            try:
                answer = self.http.request(method, path, **more)
            except httpx.TransportError:
                return None
            return None if answer.status_code in (502, 503) else answer

        answer = wait_for(ask, PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer


@contextmanager
def wired_house(data_dir: Path, *, workers: int, seed: int) -> Iterator[House]:
    """A house whose Redis and S3 lie elsewhere."""
    with far(data_dir / "far") as away, house(data_dir, workers=workers, seed=seed, **away.env) as made:
        made.far = away
        yield made


@contextmanager
def clocked_house(data_dir: Path, *, workers: int, seed: int) -> Iterator[House]:
    """A house with a clock of its own."""
    clock = Clock(data_dir)
    with house(data_dir, workers=workers, seed=seed, **clock.env) as made:
        made.clock = clock
        yield made


@contextmanager
def house(data_dir: Path, *, workers: int, seed: int, **more: str) -> Iterator[House]:
    env = {
        "MAGIC141_WEBHOOK_SECRET": SECRET,
        "MAGIC141_WEBHOOK_ALLOW_PRIVATE": "1",
        "MAGIC141_WEBHOOK_MAX_ATTEMPTS": "30",
        "MAGIC141_WEBHOOK_BACKOFF_SECONDS": "0.2",
        "MAGIC141_WEBHOOK_TIMEOUT_SECONDS": "2",
        **more,
    }
    with (
        receiver(seed) as hooks,
        running(data_dir, workers=workers, **env) as (_, url),
        httpx.Client(base_url=url, timeout=60, follow_redirects=True) as http,
    ):
        wait_for(lambda: len(workers_of(http)) == workers, 240, every=0.2)  # the first alone makes it ready
        yield House(http, data_dir, hooks)


def workers_of(http: httpx.Client) -> list[str]:
    return list(http.get("/health/ready").json().get("workers", []))


def wait_for(condition: Callable[[], T | None], seconds: float, *, every: float = 0.05) -> T:
    """The first result that isn't None or False."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found is not None and found is not False:
            return found
        if time.monotonic() > until:
            raise TimeoutError("it did not come")
        time.sleep(every)


STOP, GO, KILL = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL
