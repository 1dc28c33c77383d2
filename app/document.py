"""The OpenAPI document: what FastAPI makes of the routes, and what they cannot say of themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.errors import type_of
from app.examples import ANSWERS, ERRORS, PATCH

ABOUT: dict[str, Any] = {
    "title": "Magic141",
    "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "servers": [{"url": "/", "description": "The server that this document comes from."}],
    "openapi_tags": [
        {"name": "videos", "description": "Make videos and play them, in the shape of OpenAI's API."},
        {"name": "jobs", "description": "The full record of a job, its events, and changes of mind."},
        {"name": "webhooks", "description": "What a receiver did not take, and another try of it."},
        {"name": "models", "description": "What can be asked for."},
        {"name": "health", "description": "For balancers and orchestrators; no key is asked for."},
    ],
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. A server on loopback that has no keys asks for none.",
}
_JSON = "application/json"
_REFUSED = {
    "description": "A field is wrong; `param` names it",
    "content": {_JSON: {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "Location": {"description": "The job's record.", "schema": {"type": "string"}},
    "openai-poll-after-ms": {"description": "When to ask again.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until the next try may succeed.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}},
}
_OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def operation_id(route: APIRoute) -> str:
    return route.name


def complete(app: FastAPI) -> None:
    """Let the app's document have security, examples, and of errors nothing but what can come."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain())
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    components["securitySchemes"] = {"key": _BEARER}
    document["security"] = [{"key": []}, {}]  # a server without keys asks for none
    for operations in document["paths"].values():
        for operation in operations.values():
            if "health" in operation["tags"]:
                operation["security"] = []
            # FastAPI's own, where a route documents none.
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                operation["responses"]["422"] = {**_REFUSED}
            for status, answer in operation["responses"].items():
                _answer(int(status), answer)
            body = operation.get("requestBody", {}).get("content", {}).get(_JSON, {})
            if _name(body) == "JobPatch":
                body["example"] = PATCH
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)


def _answer(status: int, answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    if "itemSchema" in content.get("text/event-stream", {}):  # a word of OpenAPI 3.2, in a document of 3.1
        content["text/event-stream"] = {"schema": {"description": "Events: `id`, `event`, `data`."}}
    name = _name(content.get(_JSON, {}))
    if name == "ErrorEnvelope":
        # JSON, whatever the route answers with when all is well.
        answer["content"] = {_JSON: {**content[_JSON], "example": _error(status)}}
        headers: tuple[str, ...] = _OF_STATUS.get(status, ())
    else:
        if name in ANSWERS:
            content[_JSON]["example"] = ANSWERS[name]
        headers = ("Location", "openai-poll-after-ms") if name == "VideoObject" and status == 202 else ()
    if headers:
        answer["headers"] = {header: _HEADERS[header] for header in headers}


def _error(status: int) -> dict[str, Any]:
    return {"error": {"type": type_of(status), "param": None, **ERRORS[status]}}


def _name(media: dict[str, Any]) -> str:
    """Of the schema that a content refers to."""
    return str(media.get("schema", {}).get("$ref", "")).rpartition("/")[2]
