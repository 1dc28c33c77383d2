"""`magic141 up` as a test starts it: a process of its own on a free port, its data in a folder of its own."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 400  # on a machine that is busy with other things; alone it takes some 10


def clean_env(**more: str) -> dict[str, str]:
    """The caller's environment without its settings, plus `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAGIC141_")}
    return {**kept, **more}


def start(data_dir: Path, *, workers: int = 1, **env: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "worker.cli", "up", "--port", "0", "--data-dir", str(data_dir)]
    argv += ["--workers", str(workers)]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, cwd=ROOT, env=clean_env(**env), stdout=pipe, stderr=pipe, text=True)


def ready_url(up: subprocess.Popen[str]) -> str:
    assert up.stdout is not None
    assert up.stderr is not None
    assert select.select([up.stdout], [], [], START_SECONDS)[0], "no ready line in time"
    line = up.stdout.readline()
    assert line.startswith("ready http://127.0.0.1:"), line or up.stderr.read()
    return line.split()[1]


@contextmanager
def running(data_dir: Path, *, workers: int = 1, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yields (process, url); whatever happens, nothing it started is left."""
    up = start(data_dir, workers=workers, **env)
    try:
        yield up, ready_url(up)
    finally:
        if up.poll() is None:
            up.terminate()
        try:
            up.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            up.kill()  # its children die with it
            up.communicate()
