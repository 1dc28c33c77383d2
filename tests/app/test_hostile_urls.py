"""The hostile URLs through the API: refused in the envelope, and nobody is called."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis

from tests.app.conftest import serve
from tests.contract.hostile_urls import ALL, WATCH, Listener, listening, offline
from worker.contract import guarded
from worker.contract.settings import Settings


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one


@pytest.fixture(scope="module")
def strict(api_settings: Settings) -> Iterator[httpx.Client]:
    """A client of a server on which webhooks, too, go to public addresses only."""
    strict = api_settings.model_copy(update={"webhook_allow_private": False})
    with contextmanager(serve)(strict) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def bodies(url: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Where a user may give one, with the field that an error names."""
    yield "image", {"image": url}
    yield "input_reference.image_url", {"input_reference": {"image_url": url}}
    yield "webhook_url", {"webhook_url": url}


@pytest.mark.parametrize("url", ALL)
def test_every_field_refuses_it(
    url: str,
    strict: httpx.Client,
    listener: Listener,
    settings: Settings,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "PORTS", guarded.PORTS | {listener.port})
    monkeypatch.setattr(socket, "getaddrinfo", offline)
    own = [urlsplit(str(where)).port for where in (strict.base_url, settings.redis_url, settings.s3_endpoint)]
    for param, body in bodies(url.replace("PORT", str(listener.port))):
        with WATCH.over(*map(int, filter(None, own))) as reached:
            answer = strict.post("/v1/videos", json={"prompt": "a", **body})
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert (error["param"], error["type"]) == (param, "invalid_request_error"), error
        assert (reached, listener.connections) == ([], 0)
    as_form = strict.post("/v1/videos", files={"prompt": (None, "a"), "webhook_url": (None, url)})
    assert as_form.status_code in (400, 422), as_form.text
    assert redis.keys("magic141:job:*") == []
