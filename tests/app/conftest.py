"""The app on a real socket, over the real Redis and S3 of the session."""

import io
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from PIL import Image
from redis import Redis

from app.main import create_app
from worker.contract.settings import Settings

KEYS = "alice:alice-secret,bob:bob-secret"


def serve(settings: Settings) -> Iterator[str]:
    """Yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))  # held from here on: nobody takes the port meanwhile
    config = uvicorn.Config(create_app(settings), log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server does not end"


@pytest.fixture(scope="session")
def api_settings(settings: Settings) -> Settings:
    small = {"max_image_bytes": 300_000, "max_image_pixels": 1_000_000, "max_prompt_chars": 100}
    return settings.model_copy(update=small)


@pytest.fixture(scope="session")
def base_url(api_settings: Settings) -> Iterator[str]:
    yield from serve(api_settings)


@pytest.fixture(scope="session")
def keyed_url(api_settings: Settings) -> Iterator[str]:
    yield from serve(api_settings.model_copy(update={"api_keys": KEYS}))


@pytest.fixture
def api(base_url: str, redis: Redis) -> Iterator[httpx.Client]:
    """A client of a server without keys, over an empty Redis."""
    with httpx.Client(base_url=base_url, timeout=10) as client:
        yield client


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **save: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(buffer, kind, **save)
    return buffer.getvalue()
