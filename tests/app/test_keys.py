"""API keys of `magic141 keys`, on servers that run already; and what a key may ask for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient
from redis import Redis

from app.auth import FRESH_SECONDS
from app.main import create_app
from app.serve import main
from tests.app.conftest import picture, serve
from tests.app.test_derived import finished
from worker.contract import keys
from worker.contract.access import Access
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore

SOON = FRESH_SECONDS + 1


@pytest.fixture
def access(redis: Redis) -> Iterator[Access]:
    yield Access(redis)
    redis.delete(keys.API_KEYS)  # the servers of other tests have none


@pytest.fixture
def servers(api_settings: Settings, redis: Redis) -> Iterator[list[TestClient]]:
    """Two processes' worth of API over one Redis."""
    with TestClient(create_app(api_settings)) as one, TestClient(create_app(api_settings)) as two:
        yield [one, two]


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def within(seconds: float, what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def test_the_first_key_closes_servers_that_run(servers: list[TestClient], access: Access) -> None:
    old = servers[0].post("/v1/videos", json={"prompt": "a"}).json()["id"]
    assert servers[1].get(f"/v1/jobs/{old}").status_code == 200
    _, secret = access.create("alice")
    for server in servers:
        assert server.get("/v1/jobs", headers=bearer(secret)).json()["data"] == []
        within(SOON, lambda server=server: server.get("/v1/jobs").status_code == 401)
        assert server.get("/v1/jobs").json()["error"]["code"] == "missing_api_key"
        assert server.get(f"/v1/jobs/{old}", headers=bearer(secret)).status_code == 404
    # What was made when nobody needed a key is seen by a key of that name.
    _, anonymous = access.create("anonymous")
    assert servers[0].get(f"/v1/jobs/{old}", headers=bearer(anonymous)).status_code == 200


def test_a_revoked_key_is_shut_out_everywhere(servers: list[TestClient], access: Access) -> None:
    _, secret = access.create("alice")
    for server in servers:
        assert server.get("/v1/jobs", headers=bearer(secret)).status_code == 200
    access.revoke("alice")
    for server in servers:
        within(SOON, lambda server=server: server.get("/v1/jobs", headers=bearer(secret)).status_code == 401)
        assert server.get("/v1/jobs", headers=bearer(secret)).json()["error"]["code"] == "invalid_api_key"
        # It was the last one, and the server is no more open than before.
        assert server.get("/v1/jobs").status_code == 401
    _, again = access.create("alice")
    assert servers[0].get("/v1/jobs", headers=bearer(again)).status_code == 200
    assert servers[0].get("/v1/jobs", headers=bearer(secret)).status_code == 401


def test_keys_of_both_kinds_stand_side_by_side(api_settings: Settings, access: Access) -> None:
    _, secret = access.create("bob")
    both = api_settings.model_copy(update={"api_keys": "alice:alice-secret"})
    with TestClient(create_app(both)) as server:
        job_id = server.post("/v1/videos", json={"prompt": "a"}, headers=bearer("alice-secret")).json()["id"]
        assert server.get(f"/v1/jobs/{job_id}", headers=bearer("alice-secret")).status_code == 200
        assert server.get(f"/v1/jobs/{job_id}", headers=bearer(secret)).status_code == 404
        for wrong in ("", "bob", secret[:-1], secret + "x", access.all()[0].sha256):
            assert server.get("/v1/jobs", headers=bearer(wrong)).status_code == 401


def test_an_event_stream_ends_with_its_key(api_settings: Settings, access: Access) -> None:
    _, secret = access.create("alice")
    serving = contextmanager(serve)(api_settings)
    seen: list[bytes] = []

    def read(client: httpx.Client, job_id: str) -> None:
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            seen.extend(answer.iter_raw())

    with serving as url, httpx.Client(base_url=url, headers=bearer(secret), timeout=20) as client:
        job_id = client.post("/v1/videos", json={"prompt": "a"}).json()["id"]
        reader = threading.Thread(target=read, args=(client, job_id))
        reader.start()
        within(5, lambda: bool(seen))
        access.revoke("alice")
        reader.join(timeout=6)
        assert not reader.is_alive()
        assert b"queued" in b"".join(seen)


def test_only_keys_let_it_listen_beyond_loopback(
    access: Access, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: served.append(how["host"]))
    monkeypatch.setenv("MAGIC141_REDIS_URL", settings.redis_url)
    monkeypatch.delenv("MAGIC141_API_KEYS", raising=False)
    with pytest.raises(SystemExit, match="without API keys"):
        main("0.0.0.0", 0)
    access.create("alice")
    main("0.0.0.0", 0)
    access.revoke("alice")  # nobody is let in, but it does not fall open either
    main("0.0.0.0", 0)
    monkeypatch.setenv("MAGIC141_REDIS_URL", "redis://127.0.0.1:9/0")
    with pytest.raises(SystemExit, match="Redis does not say"):
        main("0.0.0.0", 0)
    monkeypatch.setenv("MAGIC141_API_KEYS", "alice:secret")
    main("0.0.0.0", 0)
    assert served == ["0.0.0.0"] * 3


BODIES = {
    "/v1/videos/{job_id}/remix": {"prompt": "a"},
    "/v1/videos/edits": {"prompt": "a", "video": {"id": "ID"}},
    "/v1/videos/extensions": {"prompt": "a", "seconds": 4, "video": {"id": "ID"}},
    "/v1/jobs/{job_id}/fork": {"window": 1},
}
OF_NOBODY = {"/", "/v1/models", "/health/live", "/health/ready", "/v1/videos/estimate"}


def test_no_route_tells_of_anothers_job(
    servers: list[TestClient], access: Access, store: JobStore, storage: Storage
) -> None:
    """Every operation of the OpenAPI document; one that is new and takes an id is walked too."""
    alice, bob = (bearer(access.create(name)[1]) for name in ("alice", "bob"))
    servers[0].headers.update(alice)
    job_id = finished(servers[0], store, storage, webhook_url="http://127.0.0.1:9/hook")  # type: ignore[arg-type]
    (letter, *_) = store.take_due()
    store.dead_letter(letter.webhook_id, reason="the receiver answered 500")
    ids = {"job_id": job_id, "webhook_id": letter.webhook_id}
    walked = set()
    for path, operations in servers[0].get("/openapi.json").json()["paths"].items():
        for method in operations:
            named = [name for name in ids if f"{{{name}}}" in path]
            body = BODIES.get(path)
            if not named and body is None:
                if method == "get" and path not in OF_NOBODY:  # a list
                    for headers, many in ((alice, 1), (bob, 0)):
                        page = servers[0].get(path, headers=headers)
                        assert len(page.json()["data"]) == many, path
                        walked.add((method, path))
                continue
            assert "{" not in path.format(**ids), f"{path} takes an id that this test does not know"
            sent = (
                None if body is None else {**body, **({"video": {"id": job_id}} if "video" in body else {})}
            )
            sent = {"priority": 1} if method == "patch" else sent
            answers = [
                servers[0].request(
                    method, path.format(**{n: name or ids[n] for n in ids}), json=sent, headers=bob
                )
                for name in ("", "video_" + "0" * 32)
            ]
            assert [answer.status_code for answer in answers][:1] == [404], (method, path)
            assert answers[0].json()["error"]["code"] == "not_found", (method, path)
            walked.add((method, path))
            if named:  # and nothing tells it from an id that never was
                assert answers[1].json()["error"].keys() == answers[0].json()["error"].keys()
                unknown = answers[1].text.replace("video_" + "0" * 32, "ID")
                assert answers[0].text.replace(job_id, "ID").replace(letter.webhook_id, "ID") == unknown
    assert len(walked) >= 16
    assert servers[0].get(f"/v1/jobs/{job_id}").json()["status"] == "succeeded"


def limited(settings: Settings, **limits: Any) -> TestClient:
    return TestClient(create_app(settings.model_copy(update=limits)))


def test_the_rate_is_told_with_the_time_to_wait(api_settings: Settings, access: Access) -> None:
    secrets = [access.create(name)[1] for name in ("alice", "bob")]
    with limited(api_settings, rate_limit_per_minute=2) as api:

        def post(secret: str = secrets[0], **body: Any) -> httpx.Response:
            key = {"idempotency-key": "once"} if body.pop("once", False) else {}
            return api.post("/v1/videos", json={"prompt": "a", **body}, headers=bearer(secret) | key)

        first = post(once=True)
        assert first.status_code == 202
        assert post(seconds=-1).status_code == 422
        assert post(image="data:image/png;base64,AAAA").status_code == 422
        assert post(once=True).json()["id"] == first.json()["id"]
        assert post().status_code == 202
        refused = post()
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["type"]) == (
            429,
            "rate_limited",
            "rate_limit_error",
        )
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert post(once=True).json()["id"] == first.json()["id"]
        assert post(secrets[1]).status_code == 202
        # Looking, canceling and asking for an estimate is free.
        mine = bearer(secrets[0])
        assert api.post(f"/v1/jobs/{first.json()['id']}/cancel", headers=mine).status_code == 200
        assert api.post("/v1/videos/estimate", json={"prompt": "a"}, headers=mine).status_code == 200


def test_the_quota_is_in_seconds_of_video(
    api_settings: Settings, access: Access, store: JobStore, storage: Storage
) -> None:
    _, secret = access.create("alice", quota_seconds_per_day=10)
    with limited(api_settings) as api:
        api.headers.update(bearer(secret))
        job_id = finished(api, store, storage)  # type: ignore[arg-type]
        refused = api.post("/v1/videos", json={"prompt": "a", "seconds": 7})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_exceeded")
        assert 0 < int(refused.headers["retry-after"]) <= 86400
        # Four seconds were shared but for a last window that is rendered again, and there are two new ones.
        added = {"prompt": "a", "seconds": 2, "video": {"id": job_id}}
        assert api.post("/v1/videos/extensions", json=added).status_code == 202
        for path, body in ((f"/v1/videos/{job_id}/remix", {"prompt": "b"}), ("/v1/videos", {"prompt": "c"})):
            assert api.post(path, json=body).json()["error"]["code"] == "quota_exceeded"
        upload = {"data": {"prompt": "a", "seconds": "2.5"}, "files": {"image": picture()}}
        assert api.post("/v1/videos", **upload).status_code == 202
