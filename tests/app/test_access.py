"""Keys, health, and who may listen where."""

import os
import subprocess
import sys

import httpx
import pytest
from fastapi.testclient import TestClient
from redis import Redis

from app.auth import ApiKeys
from app.main import create_app
from app.serve import main
from worker.contract.access import Access
from worker.contract.errors import Unauthorized
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore


def test_each_key_sees_its_own_jobs(keyed_url: str, redis: Redis) -> None:
    def client(secret: str) -> httpx.Client:
        return httpx.Client(base_url=keyed_url, headers={"authorization": f"Bearer {secret}"}, timeout=10)

    with client("alice-secret") as alice, client("bob-secret") as bob, client("guess") as nobody:
        job_id = alice.post("/v1/videos", json={"prompt": "a"}).json()["id"]
        assert alice.get(f"/v1/jobs/{job_id}").status_code == 200
        paths = [f"/v1/jobs/{job_id}", f"/v1/videos/{job_id}", f"/v1/videos/{job_id}/content"]
        paths += [f"/v1/videos/{job_id}/playlist.m3u8", f"/v1/jobs/{job_id}/events"]
        for path in paths:
            assert bob.get(path).status_code == 404
            assert nobody.get(path).status_code == 401
        assert bob.post(f"/v1/jobs/{job_id}/cancel").status_code == 404
        assert bob.delete(f"/v1/videos/{job_id}").status_code == 404
        assert bob.get("/v1/jobs").json()["data"] == []
        refused = nobody.post("/v1/videos", content=b"not even JSON")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    with httpx.Client(base_url=keyed_url) as bare:
        assert bare.get("/v1/models").json()["error"]["code"] == "missing_api_key"
        assert bare.get("/health/live").status_code == 200


def test_keys_are_kept_as_hashes(redis: Redis) -> None:
    keys = ApiKeys("alice:secret-one, two ,", Access(redis))
    assert keys.owner("Bearer secret-one") == "alice"
    assert keys.owner("bearer two").startswith("key-")
    assert "secret" not in str(vars(keys))
    for wrong in (None, "", "Bearer ", "Basic one", "Bearer alice:one", "Bearer three"):
        with pytest.raises(Unauthorized):
            keys.owner(wrong)


def test_health_and_models(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    assert api.get("/health/live").json() == {"status": "ok"}
    unready = api.get("/health/ready")
    assert (unready.status_code, unready.json()["reasons"]) == (503, ["no worker has a model loaded"])
    store.worker_seen("worker-0", {"model": "mini"})
    ready = api.get("/health/ready")
    assert (ready.status_code, ready.json()["workers"]) == (200, {"worker-0": "mini"})
    mini, *others = api.get("/v1/models").json()["data"]
    assert (mini["accepted"], mini["ready"]) == (True, True)
    assert not any(other["accepted"] or other["ready"] or other["default"] for other in others)
    assert (mini["id"], mini["sizes"], mini["fps"], mini["default"]) == ("mini", ["256x256"], 24, True)


def test_the_document_is_there(api: httpx.Client) -> None:
    assert api.get("/docs").status_code == 200
    document = api.get("/openapi.json").json()
    body = document["paths"]["/v1/videos"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}
    assert "$defs" not in str(body)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_without_keys_it_listens_on_loopback_only(
    host: str, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGIC141_REDIS_URL", settings.redis_url)
    monkeypatch.delenv("MAGIC141_API_KEYS", raising=False)
    monkeypatch.delenv("MAGIC141_ALLOW_ANONYMOUS", raising=False)
    with pytest.raises(SystemExit, match="refusing"):
        main(host, 0)


def test_importing_the_app_loads_no_torch() -> None:
    heavy = "{'torch', 'av', 'model', 'numpy'}"
    code = f"import sys, app.main, app.serve; print({heavy} & set(sys.modules) or 'none')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "none"


def test_each_key_sees_and_redelivers_its_own_dead_letters(keyed_url: str, store: JobStore) -> None:
    with (
        httpx.Client(base_url=keyed_url, headers={"authorization": "Bearer alice-secret"}) as alice,
        httpx.Client(base_url=keyed_url, headers={"authorization": "Bearer bob-secret"}) as bob,
    ):
        body = {"prompt": "a", "webhook_url": "http://127.0.0.1:9/hook"}
        job_id = alice.post("/v1/videos", json=body).json()["id"]
        alice.post(f"/v1/jobs/{job_id}/cancel")
        (entry,) = store.take_due()
        assert alice.get("/v1/webhooks/dead-letters").json()["data"] == []
        store.dead_letter(entry.webhook_id, reason="the receiver answered 500")
        (dead,) = alice.get("/v1/webhooks/dead-letters").json()["data"]
        assert (dead["id"], dead["job_id"], dead["type"]) == (entry.webhook_id, job_id, "video.canceled")
        assert dead["reason"] == "the receiver answered 500"
        assert bob.get("/v1/webhooks/dead-letters").json()["data"] == []
        path = f"/v1/webhooks/{entry.webhook_id}/redeliver"
        assert bob.post(path).status_code == 404
        assert alice.post(path).status_code == 202
        assert alice.post(path).status_code == 404  # it is on its way
        assert [due.webhook_id for due in store.take_due()] == [entry.webhook_id]


def test_a_key_that_fills_the_line_leaves_room_for_others(
    api_settings: Settings, store: JobStore, redis: Redis
) -> None:
    narrow = {"api_keys": "alice:alice-secret,bob:bob-secret", "queue_limit_per_key": 1}
    with TestClient(create_app(api_settings.model_copy(update=narrow))) as api:

        def post(secret: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {secret}"}
            return api.post("/v1/videos", json={"prompt": "a"}, headers=headers)

        first = post("alice-secret")
        full = post("alice-secret")
        assert (full.status_code, full.json()["error"]["code"]) == (429, "key_queue_full")
        assert int(full.headers["retry-after"]) >= 1
        assert post("bob-secret").status_code == 202
        assert store.take(first.json()["id"], "worker-0") is not None  # it no longer waits
        assert post("alice-secret").status_code == 202


def test_when_a_job_expires_is_told_once_it_has_ended(api_settings: Settings, redis: Redis) -> None:
    with TestClient(create_app(api_settings.model_copy(update={"retention_seconds": 3600}))) as api:
        job_id = api.post("/v1/videos", json={"prompt": "a"}).json()["id"]
        assert api.get(f"/v1/videos/{job_id}").json()["expires_at"] is None
        job = api.post(f"/v1/jobs/{job_id}/cancel").json()
        assert job["expires_at"] == pytest.approx(job["finished_at"] + 3600)
        assert api.get(f"/v1/videos/{job_id}").json()["expires_at"] == int(job["finished_at"] + 3600)
