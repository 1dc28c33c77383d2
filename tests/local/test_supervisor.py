"""One supervised process: started, replaced, named by its pid file, met with backoff when it keeps dying."""

import sys
import time
from pathlib import Path

import pytest

from worker.local.child import start_child
from worker.local.services import Service
from worker.local.supervisor import Child


def child_of(code: str, folder: Path) -> Child:
    log = folder / "it.log"
    return Child(Service("it", lambda: start_child([sys.executable, "-c", code], log=log), log, 0), folder)


def test_a_dead_process_is_replaced_and_the_pid_file_follows(tmp_path: Path) -> None:
    child = child_of("import time; time.sleep(60)", tmp_path)
    try:
        child.keep_alive()
        first = child.process
        assert int(child.pid_file.read_text()) == first.pid
        child.keep_alive()
        assert child.process is first

        first.kill()
        first.wait()
        child.keep_alive()
        assert not child.pid_file.exists()  # it names a living process or none
        deadline = time.monotonic() + 5
        while child.process is None and time.monotonic() < deadline:
            time.sleep(0.02)
            child.keep_alive()
        assert int(child.pid_file.read_text()) == child.process.pid != first.pid
    finally:
        child.stop()
    assert not child.pid_file.exists()
    assert child.process.returncode == -15


def test_deaths_in_a_row_are_met_with_longer_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = child_of("raise SystemExit(7)", tmp_path)
    deadline = time.monotonic() + 10
    while child.deaths < 3 and time.monotonic() < deadline:
        child.keep_alive()
        time.sleep(0.02)
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": it ")[2] for line in said] == [
        f"ended with status 7; starting it again in {seconds} s" for seconds in (0.2, 0.4, 0.8)
    ]


def test_a_start_that_raises_counts_as_a_death(tmp_path: Path) -> None:
    def start():
        raise RuntimeError("no redis here")

    child = Child(Service("redis", start, tmp_path / "redis.log", 0), tmp_path)
    child.keep_alive()
    assert (child.deaths, child.process) == (1, None)
