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

    def start(name: str, step_seconds: float = 0.08) -> subprocess.Popen:
        with (tmp_path / f"{name}.log").open("wb") as log:
            argv = [sys.executable, "-m", "tests.worker.tiny_worker", name, str(step_seconds)]
            process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log)
        processes.append(process)
        wait_for(lambda: name in store.workers() and store.workers()[name]["pid"] == process.pid, 60)
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


def test_a_killed_workers_job_goes_on_elsewhere_within_ten_seconds(spawn, resident, accept, store, storage):
    first = spawn("worker-0")
    job = accept(25 + 24 * 15)
    wait_for(lambda: store.get(job.id).windows_done >= 3, 20)
    second = spawn("worker-1")
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = store.get(job.id).windows_done
    assert done < 14
    gap_seconds = wait_for(lambda: store.get(job.id).worker == "worker-1", 10)
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 30)
    job = store.get(job.id)
    print(f"went on {gap_seconds:.1f} s after the kill")
    assert (job.attempts, job.windows_redone) == (2, 1)
    again = accept(25 + 24 * 15)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=15) == 0
    run_slice(resident(), again.id)
    assert storage.get(store.get(again.id).video_key) == storage.get(job.video_key)


def test_sigterm_finishes_the_window_leaves_the_slice_and_exits_0(spawn, accept, store):
    first = spawn("worker-0")
    job = accept(25 + 24 * 15)
    wait_for(lambda: store.get(job.id).windows_done >= 2, 20)
    second = spawn("worker-1")
    first.send_signal(signal.SIGTERM)
    wait_for(lambda: store.get(job.id).worker == "worker-1", 5)
    assert first.wait(timeout=10) == 0
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 30)
    assert store.get(job.id).windows_redone == 0
    second.send_signal(signal.SIGTERM)  # idle now
    assert second.wait(timeout=10) == 0


def test_a_job_that_no_queue_entry_names_is_found(spawn, accept, store, redis):
    job = accept(30)
    redis.delete(keys.rq_list(keys.QUEUE_GENERATE))
    spawn("worker-0")
    wait_for(lambda: store.get(job.id).state is JobState.SUCCEEDED, 15)
