"""`magic141 up` as its users see it: the ready line, the pid files, and what survives which death."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.service import ROOT, clean_env, running

# The limits are for a machine that is busy with other things; alone each test takes some 20 s.
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
NAMES = {"api", "hooks", "redis", "s3", "worker-0"}


def pids(data_dir: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in (data_dir / "run").glob("*.pid")}


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(what: Callable[[], object], seconds: float) -> object:
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return value


def test_a_killed_worker_is_replaced_and_sigterm_ends_everything(tmp_path: Path) -> None:
    with running(tmp_path) as (up, url), httpx.Client(base_url=url, timeout=30) as http:
        first = pids(tmp_path)
        assert set(first) == NAMES
        assert all(map(alive, first.values()))

        second = subprocess.run(
            [sys.executable, "-m", "worker.cli", "up", "--port", "0", "--data-dir", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "another `magic141 up` runs over" in second.stderr

        job = http.post("/v1/videos", json={"prompt": "a red circle on a blue background", "seconds": 4})
        where = job.headers["location"]
        wait_for(lambda: http.get(where).json()["windows_done"] > 0, 240)
        os.kill(first["worker-0"], signal.SIGKILL)
        wait_for(lambda: pids(tmp_path).get("worker-0", first["worker-0"]) != first["worker-0"], 5)
        done = wait_for(lambda: (j := http.get(where).json())["status"] in ("succeeded", "failed") and j, 240)
        assert (done["status"], done["windows_done"]) == ("succeeded", done["windows_total"])

        last = pids(tmp_path)
        up.send_signal(signal.SIGTERM)
        output, errors = up.communicate(timeout=60)
        assert up.returncode == 0, errors
        assert output == ""  # the ready line was the only one
        assert not any(map(alive, last.values()))
        assert pids(tmp_path) == {}


def test_a_killed_supervisor_takes_all_along_and_its_jobs_go_on(tmp_path: Path) -> None:
    with running(tmp_path) as (up, url):
        children = pids(tmp_path)
        kept = json.loads((tmp_path / "local.json").read_text())
        body = {"prompt": "a green square on a grey background", "seconds": 3}
        job = httpx.post(f"{url}/v1/videos", json=body)
        where = job.headers["location"]
        up.kill()
        up.wait()
        wait_for(lambda: not any(map(alive, children.values())), 5)
    assert (tmp_path / "local.json").stat().st_mode & 0o777 == 0o600

    with running(tmp_path) as (up, url):
        assert json.loads((tmp_path / "local.json").read_text()) == kept
        done = wait_for(
            lambda: (j := httpx.get(url + where).json())["status"] in ("succeeded", "failed") and j, 240
        )
        assert done["status"] == "succeeded"
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=60)
        assert up.returncode == 0


def test_a_part_that_cannot_start_is_named(tmp_path: Path) -> None:
    # An open address without keys: the API says no, before it listens.
    options = ["--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path)]
    argv = [sys.executable, "-m", "worker.cli", "up", *options]
    done = subprocess.run(
        argv, cwd=ROOT, env=clean_env(), capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "api does not start" in done.stderr
    assert "without API keys" in done.stderr
