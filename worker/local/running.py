"""`magic141 up` as a child of this process, for as long as something needs it: the demo, the bench."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from worker.local.child import start_child, stop_child

START_SECONDS = 600.0  # some 15 in truth; what cannot start says so itself, long before


@contextmanager
def service(data_dir: Path, console: Console) -> Iterator[str]:
    """`magic141 up` on a free port; yields its address once it is ready, and stops it afterwards."""
    log = data_dir / "logs" / "up.log"
    argv = [sys.executable, "-m", "worker.cli", "up", "--port", "0", "--data-dir", str(data_dir)]
    process = start_child(argv, log=log)
    try:
        with console.status("starting redis, S3, the API, the hooks worker and a worker"):
            began = time.monotonic()
            url = _wait_ready(process, log)
        console.print(f"service ready at {url} after {time.monotonic() - began:.1f} s", highlight=False)
        yield url
    finally:
        with console.status("stopping everything"):
            stop_child(process, timeout_seconds=90.0)


def _wait_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        for line in text.splitlines():
            if line.startswith("ready "):
                return line.removeprefix("ready ")
        if process.poll() is not None:
            raise RuntimeError(f"the service did not start:\n{text}")
        time.sleep(0.1)
    raise RuntimeError(f"the service was not ready after {START_SECONDS:.0f} s; see {log}")
