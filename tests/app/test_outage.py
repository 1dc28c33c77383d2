"""Redis or S3 away: 503 with Retry-After, and readiness that says which."""

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from tests.app.conftest import picture
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.local.redis import start_redis


@pytest.fixture
def no_redis(settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})


@pytest.fixture
def no_s3(settings: Settings) -> Settings:
    return settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"})


def unavailable(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)
    assert int(answer.headers["retry-after"]) >= 1


def test_without_redis(no_redis: Settings) -> None:
    with TestClient(create_app(no_redis), raise_server_exceptions=False) as api:
        unavailable(api.post("/v1/videos", json={"prompt": "a"}), "redis_unavailable")
        unavailable(api.get("/v1/jobs/video_1"), "redis_unavailable")
        assert "redis does not answer" in api.get("/health/ready").json()["reasons"]
        assert api.get("/health/live").status_code == 200


def test_without_s3(no_s3: Settings) -> None:
    with TestClient(create_app(no_s3), raise_server_exceptions=False) as api:
        posted = api.post("/v1/videos", data={"prompt": "a"}, files={"image": picture()})
        unavailable(posted, "storage_unavailable")
        assert any("storage" in reason for reason in api.get("/health/ready").json()["reasons"])


def test_with_a_full_redis(settings: Settings, tmp_path: Path) -> None:
    server = start_redis(tmp_path)
    try:
        small = settings.model_copy(update={"redis_url": server.url})
        with TestClient(create_app(small), raise_server_exceptions=False) as api, connect(small) as redis:
            kept = api.post("/v1/videos", json={"prompt": "a"}).json()["id"]
            redis.config_set("maxmemory", 1)
            unavailable(api.post("/v1/videos", json={"prompt": "a"}), "redis_unavailable")
            assert api.get(f"/v1/jobs/{kept}").json()["status"] == "queued"
            redis.config_set("maxmemory", 0)
            assert api.post("/v1/videos", json={"prompt": "a"}).is_success
    finally:
        server.stop()
