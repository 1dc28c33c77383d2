"""Every answer names its request, and the caller's trace goes with the job."""

import httpx
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from worker.contract.settings import Settings
from worker.contract.store import JobStore

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
VIDEO = {"prompt": "a red circle", "seconds": 3}


def test_the_callers_id_comes_back(api: httpx.Client) -> None:
    for path in ("/v1/models", "/no/such/place", "/health/live"):
        assert api.get(path, headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("given", ["", "a b", 'a"', "x" * 129, "é"])
def test_what_is_no_id_is_replaced(api: httpx.Client, given: str) -> None:
    answer = api.get("/v1/models", headers={"x-request-id": given.encode()})
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-request-id"] != api.get("/v1/models").headers["x-request-id"]


def test_an_error_on_our_side_names_its_request(api_settings: Settings) -> None:
    app = create_app(api_settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken", headers={"x-request-id": "mine-2"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine-2")


def test_the_callers_trace_goes_with_the_job_though_nobody_exports_it(
    api: httpx.Client, store: JobStore
) -> None:
    traced = api.post("/v1/videos", json=VIDEO, headers={"traceparent": PARENT, "idempotency-key": "k"})
    job = store.get(traced.json()["id"])
    assert job.trace == {"traceparent": PARENT}
    other = PARENT.replace("4bf9", "5bf9")
    again = api.post("/v1/videos", json=VIDEO, headers={"traceparent": other, "idempotency-key": "k"})
    assert store.get(again.json()["id"]) == job, "the first request's"
    for headers in ({}, {"traceparent": "nonsense"}):
        assert store.get(api.post("/v1/videos", json=VIDEO, headers=headers).json()["id"]).trace == {}
