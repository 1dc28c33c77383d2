"""The one table from error to status, and the envelope every error leaves in."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from app.objects import ErrorEnvelope
from app.request_id import HEADER
from worker.contract import errors, logs

log = logging.getLogger(__name__)

# The first class that fits counts, so the special ones stand before their bases.
STATUS: tuple[tuple[type[errors.Magic141Error], int], ...] = (
    (errors.MalformedBody, 400),
    (errors.UnsupportedMediaType, 415),
    (errors.InvalidRequest, 422),
    (errors.TooLarge, 413),
    (errors.Unauthorized, 401),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.QueueFull, 429),
    (errors.LimitReached, 429),
    (errors.Unavailable, 503),
)
TYPES = {401: "authentication_error", 404: "not_found_error", 409: "conflict_error", 429: "rate_limit_error"}
# JSON, whatever the route answers with when all is well.
_AS_JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}}
_TOLD = {
    400: "The body cannot be read",
    401: "No API key, or an unknown one",
    404: "There is no such thing, or it is another key's",
    409: "The state of the job, or of the idempotency key, does not allow it",
    413: "The body or the picture is too large",
    415: "Neither JSON nor multipart",
    422: "A field is wrong; `param` names it",
    429: "The queue is full, or a limit of the key reached",
    503: "Redis or S3 does not answer",
}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope, "content": _AS_JSON, "description": told}
    for status, told in _TOLD.items()
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer with these errors."""
    return {status: DOCUMENTED[status] for status in statuses}


def envelope(
    status: int,
    code: errors.Code,
    message: str,
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = {"error": {"message": message, "type": type_of(status), "param": param, "code": code}}
    return JSONResponse(body, status, headers=dict(headers or {}))


def type_of(status: int) -> str:
    """How OpenAI's API names the kind of an error."""
    return TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")


def invalid(problems: Iterable[Mapping[str, Any]]) -> errors.InvalidRequest:
    """What pydantic found wrong, as the one error that names the first field at fault."""
    first = next(iter(problems))
    param = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return errors.InvalidRequest("unknown_field", f"{param}: there is no such field", param or None)
    message = first["msg"].removeprefix("Value error, ")
    return errors.InvalidRequest("invalid_value", f"{param}: {message}", param or None)


def install(app: FastAPI) -> None:
    """Give the app its handlers."""
    app.add_exception_handler(errors.Magic141Error, _ours)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RedisError, _redis)
    app.add_exception_handler(Exception, _unexpected)


def _ours(request: Request, error: errors.Magic141Error) -> JSONResponse:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    headers = {}
    if isinstance(error, errors.RetryLater):
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return envelope(status, error.code, error.message, param=error.param, headers=headers)


def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
    # Where FastAPI parsed it: the first part of the place is "query", "header" or "path".
    return _ours(request, invalid({**problem, "loc": problem["loc"][1:]} for problem in error.errors()))


def _http(request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    if error.status_code == 405:  # the framework names the methods of the first route with this path only
        headers["Allow"] = ", ".join(sorted(_methods(request))) or headers.get("Allow", "")
    match error.status_code:
        case 404:
            return envelope(404, "not_found", str(error.detail), headers=headers)
        case 405:
            return envelope(405, "method_not_allowed", str(error.detail), headers=headers)
    return envelope(error.status_code, "http_error", str(error.detail), headers=headers)


def _methods(request: Request) -> set[str]:
    """Those with which the path of a request can be called; a name in a path goes before a parameter."""
    paths, asked = request.app.openapi()["paths"], request.url.path
    fits = [asked] if asked in paths else [path for path in paths if compile_path(path)[0].match(asked)]
    return {method.upper() for path in fits for method in paths[path]}


def _redis(request: Request, error: Exception) -> JSONResponse:
    log.error("redis: %s", error)
    return _ours(
        request, errors.Unavailable("redis_unavailable", "the job store does not answer as it should")
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    told = logs.known()
    headers = {HEADER: str(told["request_id"])} if "request_id" in told else {}  # it passes no middleware
    return envelope(500, "internal_error", "an error on our side; it has been logged", headers=headers)
