"""Real parts for every test: Valkey with AOF and rclone's S3 server, started as `magic141 up` does."""

import sys
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.swift import StrictS3, strict_s3
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.local.redis import RedisServer, start_redis
from worker.local.s3 import S3Server, start_s3

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: of two processes none shall begin with one when the other has nothing left."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictS3]:
    if sys.platform != "linux":
        pytest.skip("Swift runs on Linux only")
    with strict_s3(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def settings(redis_url: str, s3: S3Server) -> Settings:
    return Settings(
        redis_url=redis_url,
        s3_endpoint=s3.endpoint,
        s3_bucket=s3.bucket,
        s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key,
        webhook_secret=WEBHOOK_SECRET,
        webhook_allow_private=True,
        lease_seconds=2.0,
    )


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A client of an emptied server."""
    client = connect(settings, patient=False)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    return JobStore(redis, settings)


@pytest.fixture(scope="session")
def storage(settings: Settings) -> Storage:
    return Storage(settings)
