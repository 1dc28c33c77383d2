"""Redis and S3 that lie elsewhere: behind wires, and nobody here starts them again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from tests.chaos.wire import Wire, wire
from worker.local.redis import RedisServer, start_redis
from worker.local.s3 import S3Server, start_s3

PROMOTED_AFTER_SECONDS = 3.0  # what watches over a real pair takes about as long


@dataclass
class Far:
    """Redis has a replica, which follows it without its waiting."""

    folder: Path
    redis: list[RedisServer]  # the last follows the one before it
    s3: S3Server
    redis_wire: Wire
    s3_wire: Wire
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.env = {
            "MAGIC141_REDIS_URL": f"redis://127.0.0.1:{self.redis_wire.port}/0",
            "MAGIC141_S3_ENDPOINT": f"http://127.0.0.1:{self.s3_wire.port}",
            "MAGIC141_S3_ACCESS_KEY": self.s3.access_key,
            "MAGIC141_S3_SECRET_KEY": self.s3.secret_key,
            "MAGIC141_S3_BUCKET": self.s3.bucket,
        }

    def fail_over(self) -> None:
        """Redis dies, its replica takes its place and address, and has a new replica."""
        dead, heir = self.redis[-2:]
        self.redis_wire.open = False
        dead.process.kill()
        self.redis_wire.cut()
        time.sleep(PROMOTED_AFTER_SECONDS)
        with Redis.from_url(heir.url) as client:
            client.replicaof("NO", "ONE")
        self.redis_wire.to = heir.port
        self.redis_wire.open = True
        self.redis.append(replica_of(heir, self.folder / f"redis-{len(self.redis)}"))


def replica_of(server: RedisServer, folder: Path) -> RedisServer:
    """Once it has all that the server has."""
    made = start_redis(folder)
    with Redis.from_url(made.url) as client:
        client.replicaof("127.0.0.1", str(server.port))
        until = time.monotonic() + 30
        while client.info("replication")["master_link_status"] != "up":
            if time.monotonic() > until:
                raise TimeoutError("the replica does not follow")
            time.sleep(0.1)
    return made


@contextmanager
def far(folder: Path) -> Iterator[Far]:
    redis = [start_redis(folder / "redis-0")]
    s3 = start_s3(folder / "s3")
    try:
        redis.append(replica_of(redis[0], folder / "redis-1"))
        with wire(redis[0].port) as redis_wire, wire(s3.port) as s3_wire:
            yield Far(folder, redis, s3, redis_wire, s3_wire)
    finally:
        for server in redis:
            server.stop()
        s3.stop()
