"""The OpenAPI document's examples: each request is accepted, each answer fits its schema."""

from typing import Any

import httpx
import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.examples import ANSWERS, EDIT, EXTENSION, FORK, PATCH, REMIX, VIDEO_REQUESTS
from app.main import create_app
from tests.app.test_derived import finished
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore

DOCUMENT = create_app(Settings()).openapi()


def test_it_is_openapi_3_1() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_request_is_accepted(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    source = finished(api, store, storage)

    def send(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        own = {"video": {"id": source}} if "video" in body else {}
        # Another's server is not called from a test.
        own |= {"webhook_url": "http://127.0.0.1:9/"} if "webhook_url" in body else {}
        answer = api.request(method, path, json=body | own)
        assert answer.is_success, answer.text
        return answer.json()

    made = {name: send("POST", "/v1/videos", shown["value"]) for name, shown in VIDEO_REQUESTS.items()}
    assert send("POST", "/v1/videos/estimate", VIDEO_REQUESTS["text"]["value"]).keys() == (
        ANSWERS["EstimateObject"].keys()
    )
    for path, body in (
        (f"/v1/videos/{source}/remix", REMIX),
        ("/v1/videos/edits", EDIT),
        ("/v1/videos/extensions", EXTENSION),
        (f"/v1/jobs/{source}/fork", FORK),
    ):
        assert send("POST", path, body).keys() == ANSWERS["VideoObject"].keys()
    assert send("PATCH", f"/v1/jobs/{made['shots']['id']}", PATCH).keys() == ANSWERS["JobObject"].keys()


def test_every_answer_fits_its_schema() -> None:
    seen = 0
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["tags"]
            for answer in operation["responses"].values():
                for media in answer.get("content", {}).values():
                    if "example" in media:
                        schema = {**media["schema"], "components": DOCUMENT["components"]}
                        jsonschema_rs.validate(schema, media["example"])
                        seen += 1
    assert seen > 50
