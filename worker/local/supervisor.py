"""`magic141 up`: starts every process of the service on one machine, keeps them alive, ends them in order.

It knows processes, pid files and one health address; it knows nothing of jobs. Killed outright it takes its
children with it (see `worker.local.child`), and the next one over the same data goes on with every job.
"""

import contextlib
import fcntl
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.contract.settings import Settings
from worker.local.child import stop_child
from worker.local.kept import load_kept, read_kept
from worker.local.ports import free_port
from worker.local.services import Service, local_services

POLL_SECONDS = 0.1
FIRST_BACKOFF_SECONDS = 0.2
LAST_BACKOFF_SECONDS = 30.0
SOUND_SECONDS = 30.0  # who lived this long starts again at the first backoff
DEATHS_BEFORE_READY = 3  # a service that never was ready will not become so by trying again


class GaveUp(RuntimeError):
    """The service cannot start; the message says which part and why."""


class Child:
    """One service's living process, its pid file, and when it may start again."""

    def __init__(self, service: Service, run_dir: Path) -> None:
        self.service = service
        self.pid_file = run_dir / f"{service.name}.pid"
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._started_at = self._start_at = time.monotonic()

    def keep_alive(self) -> None:
        """Notice a death; start the process when it is due."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._died(f"ended with {_status(self.process.returncode)}", now)
        if self.process is None and now >= self._start_at:
            self._started_at = now
            try:
                self.process = self.service.start()
            except RuntimeError as error:
                self._died(str(error), now)
            else:
                new = self.pid_file.with_suffix(".new")
                new.write_text(f"{self.process.pid}\n")
                new.replace(self.pid_file)

    def _died(self, reason: str, now: float) -> None:
        self.process = None
        self.pid_file.unlink(missing_ok=True)
        self.deaths += 1
        if now - self._started_at > SOUND_SECONDS:
            self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._start_at = now + self._backoff_seconds
        _say(f"{self.service.name} {reason}; starting it again in {self._backoff_seconds:.1f} s")
        self._backoff_seconds = min(2 * self._backoff_seconds, LAST_BACKOFF_SECONDS)

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        if self.process is not None:
            stop_child(self.process, timeout_seconds=self.service.stop_seconds)
        self.pid_file.unlink(missing_ok=True)


def up(data_dir: Path, *, host: str, port: int, workers: int, settings: Settings) -> None:
    """Run the service over `data_dir` until SIGTERM, SIGINT or SIGHUP; port 0 takes a free one.

    Prints `ready http://host:port` on standard output once, when a job would be taken and worked on. Raises
    GaveUp.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, frame: stopping.append(received))
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    run_dir = data_dir / "run"
    run_dir.mkdir(exist_ok=True)
    with _only_one(run_dir):
        _end_leftover_redis(data_dir)
        kept = load_kept(data_dir)
        port = _api_port(host, port)
        services = local_services(settings, kept, data_dir, host=host, port=port, workers=workers)
        children = [Child(service, run_dir) for service in services]
        _tell("starting Redis, S3, the API and the workers: some 15 seconds")
        try:
            ready = False
            while not stopping:
                for child in children:
                    child.keep_alive()
                    if not ready and child.deaths >= DEATHS_BEFORE_READY:
                        raise GaveUp(f"{child.service.name} does not start:\n{_tail(child.service.log)}")
                if not ready and _answers(host, port):
                    ready = True
                    url = f"http://{_in_url(host)}:{port}"
                    print(f"ready {url}", flush=True)
                    _tell(f"open {url} in a browser; Ctrl-C stops everything")
                time.sleep(POLL_SECONDS)
        finally:
            _stop_in_order(children)


def _tell(words: str) -> None:
    """To a person: what reads standard output wants the ready line and nothing else."""
    if sys.stderr.isatty():
        print(words, file=sys.stderr, flush=True)


def _stop_in_order(children: list[Child]) -> None:
    for order in sorted({child.service.stop_order for child in children}):
        group = [child for child in children if child.service.stop_order == order]
        for child in group:
            child.terminate()
        for child in group:
            child.stop()


def _answers(host: str, port: int) -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(address, port, timeout=2.0)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _api_port(host: str, port: int) -> int:
    """The port asked for, or a free one for 0. A supervisor just killed may hold it for a moment."""
    deadline = time.monotonic() + 3.0
    while True:
        try:
            found = free_port(port, host)
        except OSError as error:
            raise GaveUp(f"cannot listen on {host}: {error}") from error
        if port in (0, found):
            return found
        if time.monotonic() > deadline:
            raise GaveUp(f"port {port} on {host} is in use; choose another with --port")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _only_one(run_dir: Path) -> Iterator[None]:
    """Two supervisors over one data directory would start two Redis servers over one append-only file."""
    with (run_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GaveUp(f"another `magic141 up` runs over {run_dir.parent}") from error
        yield


def _end_leftover_redis(data_dir: Path) -> None:
    """Where nothing ties a child to its parent (not Linux), a killed supervisor's Redis lives on: end it.

    Our password on our port tells that it is ours; a recycled pid could not.
    """
    kept = read_kept(data_dir)
    if kept is None:
        return
    once = Retry(NoBackoff(), 0)
    client = redis.Redis(port=kept.redis_port, password=kept.redis_password, retry=once)
    with client, contextlib.suppress(redis.RedisError):
        client.shutdown()


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"


def _tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} magic141 up[{os.getpid()}]: {message}", file=sys.stderr, flush=True)
