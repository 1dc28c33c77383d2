"""Worker processes that are killed, stopped and idle: real signals, real rq, the default lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.contract import keys
from worker.contract.job import JobState
from worker.contract.settings import Settings
from worker.slice import run_slice

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def spawn(settings: Settings, store, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen]]:
    """`spawn("worker-0")`: a worker process, announced; whatever still lives is killed at the end."""
    values = settings.model_dump(exclude_none=True) | {"lease_seconds": 6.0}
    env = os.environ | {f"MAGIC141_{name.upper()}": str(value) for name, value in values.items()}
    processes = []

    def start(name: str, step_seconds: float = 0.08, **more: str) -> subprocess.Popen:
        with (tmp_path / f"{name}.log").open("wb") as log:
            argv = [sys.executable, "-m", "tests.worker.tiny_worker", name, str(step_seconds)]
            process = subprocess.Popen(argv, cwd=ROOT, env=env | more, stdout=log, stderr=log)
        processes.append(process)
        wait_for(lambda: store.workers().get(name, {}).get("pid") == process.pid, 120)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Seconds until `condition` holds; fails after `seconds`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come"
        time.sleep(0.02)
    return time.monotonic() - started


def at_work(store, job_id: str, windows: int) -> str:
    """The worker that has rendered that many windows of the job."""
    wait_for(lambda: store.get(job_id).windows_done >= windows, 60)
    return store.get(job_id).worker


def test_a_killed_workers_job_goes_on_elsewhere_within_ten_seconds(spawn, resident, accept, store, storage):
    workers = {name: spawn(name) for name in ("worker-0", "worker-1")}
    job = accept(25 + 24 * 15)
    killed = at_work(store, job.id, 3)
    workers[killed].send_signal(signal.SIGKILL)
    gap_seconds = wait_for(lambda: store.get(job.id).worker != killed, 10)
    print(f"went on {gap_seconds:.1f} s after the kill")
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 90)
    job = store.get(job.id)
    assert (job.attempts, job.windows_redone) == (2, 1)
    again = accept(25 + 24 * 15)
    (left,) = set(workers) - {killed}
    workers[left].send_signal(signal.SIGTERM)
    assert workers[left].wait(timeout=30) == 0
    run_slice(resident(), again.id)
    assert storage.get(store.get(again.id).video_key) == storage.get(job.video_key)


def test_sigterm_finishes_the_window_leaves_the_slice_and_exits_0(spawn, accept, store):
    workers = {name: spawn(name) for name in ("worker-0", "worker-1")}
    job = accept(25 + 24 * 15)
    stopped = at_work(store, job.id, 2)
    workers[stopped].send_signal(signal.SIGTERM)
    wait_for(lambda: store.get(job.id).worker != stopped, 20)
    assert workers.pop(stopped).wait(timeout=30) == 0
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 90)
    assert store.get(job.id).windows_redone == 0
    (idle,) = workers.values()
    idle.send_signal(signal.SIGTERM)
    assert idle.wait(timeout=30) == 0


def test_a_job_that_no_queue_entry_names_is_found(spawn, accept, store, redis):
    job = accept(30)
    redis.delete(keys.rq_list(keys.queue_generate("mini")))
    spawn("worker-0")
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 60)


@pytest.mark.parametrize(
    ("fault", "status"), [("error", 1), ("memory", 1), ("segfault", -signal.SIGSEGV), ("hang", 1)]
)
def test_an_engine_that_breaks_takes_its_worker_along(
    spawn, resident, accept, store, storage, tmp_path: Path, fault: str, status: int
):
    """No worker stays half alive: it ends, a fresh one goes on, and the video is the same."""
    once = tmp_path / "once"
    once.touch()
    env = {"MAGIC141_TEST_FAULT": f"{fault}:2", "MAGIC141_TEST_ONCE": str(once)}
    broken = spawn("worker-0", **env, MAGIC141_STALL_SECONDS="3")
    job = accept(25 + 24 * 4)
    assert broken.wait(timeout=60) == status
    assert not once.exists()
    assert store.get(job.id).windows_done in (1, 2)  # the one before may be on its way
    fresh = spawn("worker-0", **env)
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 60)
    fresh.send_signal(signal.SIGTERM)
    assert fresh.wait(timeout=30) == 0
    again = accept(25 + 24 * 4)
    run_slice(resident(), again.id)
    assert storage.get(store.get(again.id).video_key) == storage.get(store.get(job.id).video_key)
