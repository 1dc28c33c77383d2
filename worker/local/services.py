"""What runs on one machine: which processes, with which environment, in which order."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker.contract.settings import Settings
from worker.local.child import start_child
from worker.local.kept import Kept
from worker.local.redis import start_redis
from worker.local.s3 import start_s3


@dataclass(frozen=True)
class Service:
    """One process to keep alive. `start` runs in the supervisor's main thread."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    log: Path
    stop_order: int
    """Lower ones end first; those with the same number end together."""
    stop_seconds: float = 10.0


def local_services(
    settings: Settings, kept: Kept, data_dir: Path, *, host: str, port: int, workers: int
) -> list[Service]:
    """In starting order. What the user's environment already names (Redis, S3) is not started."""
    logs = data_dir / "logs"
    services = []
    if "MAGIC141_REDIS_URL" not in os.environ:

        def redis() -> subprocess.Popen[bytes]:
            return start_redis(
                data_dir / "redis", kept.redis_port, password=kept.redis_password, log=logs / "redis.log"
            ).process

        services.append(Service("redis", redis, logs / "redis.log", stop_order=4))
    if "MAGIC141_S3_ENDPOINT" not in os.environ:

        def s3() -> subprocess.Popen[bytes]:
            return start_s3(
                data_dir / "s3",
                kept.s3_port,
                access_key=settings.s3_access_key or kept.s3_access_key,
                secret_key=settings.s3_secret_key or kept.s3_secret_key,
                bucket=settings.s3_bucket,
                log=logs / "s3.log",
            ).process

        services.append(Service("s3", s3, logs / "s3.log", stop_order=3))

    env = _environment(kept, host=host, port=port, workers=workers)

    def python(name: str, *argv: str, stop_order: int, stop_seconds: float = 10.0) -> Service:
        log = logs / f"{name}.log"
        start = partial(start_child, [sys.executable, "-m", *argv], log=log, env=env)
        return Service(name, start, log, stop_order, stop_seconds)

    services.append(python("api", "app.serve", stop_order=0))
    services.append(python("hooks", "worker.hooks", stop_order=2))
    for index in range(workers):
        name = f"worker-{index}"
        # A worker finishes its window and leaves the slice: that takes as long as a window takes.
        services.append(python(name, "worker.main", "--name", name, stop_order=1, stop_seconds=60.0))
    return services


def _environment(kept: Kept, *, host: str, port: int, workers: int) -> dict[str, str]:
    """The children's environment: what the user set wins over what was chosen for this data directory."""
    chosen = {
        "MAGIC141_REDIS_URL": kept.redis_url,
        "MAGIC141_WEBHOOK_SECRET": kept.webhook_secret,
        "PYTHONUNBUFFERED": "1",
    }
    if "MAGIC141_S3_ENDPOINT" not in os.environ:
        chosen |= {
            "MAGIC141_S3_ENDPOINT": f"http://127.0.0.1:{kept.s3_port}",
            "MAGIC141_S3_ACCESS_KEY": kept.s3_access_key,
            "MAGIC141_S3_SECRET_KEY": kept.s3_secret_key,
        }
    # Windows are alike: in one heap, large blocks apart, what one leaves fits the next; memory stays flat.
    chosen |= {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_TRIM_THRESHOLD_": str(2**29),
        "MALLOC_MMAP_THRESHOLD_": str(2**24),
    }
    if workers > 1:  # several workers that each take every core only get in each other's way
        chosen["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    return chosen | dict(os.environ) | {"MAGIC141_HOST": host, "MAGIC141_PORT": str(port)}
