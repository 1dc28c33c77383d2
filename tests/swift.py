"""A strict S3 server for the storage's tests: OpenStack Swift, which checks what rclone's lets pass."""

import http.client
import importlib.util
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker.local.child import start_child, stop_child
from worker.local.ports import free_port

REGION = "eu-central-1"
PAGE = 10
"""Keys that one answer lists and one request may delete, where others take 1000."""


@dataclass(frozen=True)
class StrictS3:
    """A running server. It has no buckets yet; the reader may read all of them and change nothing."""

    endpoint: str
    access_key: str
    secret_key: str
    reader_access_key: str
    reader_secret_key: str
    region: str = REGION


@contextmanager
def strict_s3(folder: Path, timeout_seconds: float = 60.0) -> Iterator[StrictS3]:
    """Run it on loopback, its files in `folder`; RuntimeError when it does not start."""
    if importlib.util.find_spec("swift") is None:
        raise RuntimeError("no Swift here: install the `test` extra (pip install 'magic141[test]')")
    port = free_port()
    server = StrictS3(
        f"http://127.0.0.1:{port}", "test:writer", secrets.token_hex(20), "test:reader", secrets.token_hex(20)
    )
    users = {
        server.access_key: (server.secret_key, ".admin"),
        server.reader_access_key: (server.reader_secret_key, ".reseller_reader"),
    }
    options = {"port": port, "region": server.region, "page": PAGE, "users": users}
    # -I: without this folder on the path, where `swift` is this file.
    argv = [sys.executable, "-I", str(Path(__file__).with_name("swift_server.py")), str(folder)]
    log = folder / "swift.log"
    process = start_child(argv, log=log, stdin=json.dumps(options).encode())
    try:
        _wait(process, port, log, timeout_seconds)
        yield server
    finally:
        stop_child(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
        try:
            connection.request("GET", "/")
            connection.getresponse()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Swift did not start ({error}); see {log}") from error
        finally:
            connection.close()
        time.sleep(0.02)
