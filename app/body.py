"""Reads a request's body, JSON or multipart, within its limit, into plain fields and files."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from worker.contract.errors import InvalidRequest, MalformedBody, TooLarge, UnsupportedMediaType
from worker.contract.settings import MIB, Settings

FILE_FIELDS = ("image", "input_reference")
JSON_FIELDS = ("shots", "metadata", "webhook_events", "input_reference", "video")
LIST_FIELDS = ("shots", "webhook_events")
_BRACKETS = re.compile(r"^(\w+)((?:\[\w*\])+)$")


@dataclass(frozen=True)
class Body:
    """Fields as JSON values (multipart: strings where the client sent strings), and files by field."""

    fields: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


async def read_body(request: Request) -> Body:
    """Raises MalformedBody, UnsupportedMediaType, TooLarge or InvalidRequest."""
    settings: Settings = request.app.state.services.settings
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/json":
        # base64 makes four bytes of three.
        return _json(await _limited(request, settings.max_image_bytes * 4 // 3 + MIB))
    if content_type == "multipart/form-data":
        return await _multipart(request, settings.max_image_bytes)
    raise UnsupportedMediaType(
        "unsupported_media_type", "send application/json or multipart/form-data", "content-type"
    )


async def _limited(request: Request, limit: int) -> bytes:
    return b"".join([part async for part in _stream(request, limit)])


async def _stream(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for part in request.stream():
        received += len(part)
        if received > limit:
            raise TooLarge("body_too_large", f"the body is larger than {limit} bytes")
        yield part


def _json(data: bytes) -> Body:
    try:
        fields = json.loads(data, parse_constant=_no_constant)
        # A lone surrogate is fine for Python's parser and breaks whoever writes it out later.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedBody("malformed_body", f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise MalformedBody("malformed_body", "the body must be a JSON object")
    return Body(fields)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _multipart(request: Request, max_file_bytes: int) -> Body:
    stream = _stream(request, max_file_bytes + MIB)
    limit = max_file_bytes * 4 // 3 + MIB  # a data URL may come as a plain field
    parser = MultiPartParser(request.headers, stream, max_files=2, max_fields=200, max_part_size=limit)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        reason = getattr(error, "message", "no boundary")
        raise MalformedBody("malformed_body", f"the body is not multipart: {reason}") from error
    fields: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name not in FILE_FIELDS or name in files:
                    raise InvalidRequest("unknown_field", f"{name}: no file is wanted here", name)
                files[name] = await value.read()
            else:
                _put(fields, name, value)
    finally:
        await form.close()
    return Body({name: _decoded(name, value) for name, value in fields.items()}, files)


def _put(fields: dict[str, Any], name: str, value: str) -> None:
    """`a[b]`, `a[]` and `a[][b]`, the ways HTTP clients flatten objects and lists, become what they were."""
    match = _BRACKETS.match(name)
    if not match:
        if name in LIST_FIELDS and name in fields:  # the way OpenAPI flattens a list
            earlier = fields[name] if isinstance(fields[name], list) else [fields[name]]
            fields[name] = [*earlier, value]
        elif name in fields:
            raise InvalidRequest("invalid_value", f"{name}: given twice", name)
        else:
            fields[name] = value
        return
    base, path = match[1], re.findall(r"\[(\w*)\]", match[2])
    if path == [""]:
        fields.setdefault(base, [])
        target, key = fields[base], None
    elif len(path) == 1:
        target, key = fields.setdefault(base, {}), path[0]
    elif len(path) == 2:
        items, key = fields.setdefault(base, []), path[1]
        if not isinstance(items, list):
            raise InvalidRequest("invalid_value", f"{base}: given in two ways", base)
        # Some clients send item by item, some all first keys before all second ones: both fill the first gap.
        gap = next((item for item in items if key not in item), None)
        if gap is None:
            items.append(gap := {})
        target = gap
    else:
        raise InvalidRequest("invalid_value", f"{base}: nested too deep", base)
    if key is None and isinstance(target, list):
        target.append(value)
    elif key is not None and isinstance(target, dict):
        target[key] = value
    else:
        raise InvalidRequest("invalid_value", f"{base}: given in two ways", base)


def _decoded(name: str, value: Any) -> Any:
    """Lists and objects may come as JSON text, whole or item by item; a list of names also with commas."""
    if name in LIST_FIELDS and isinstance(value, list):
        return [_decoded(name, item) if name == "shots" else item for item in value]
    if name not in JSON_FIELDS or not isinstance(value, str):
        return value
    if value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("invalid_value", f"{name}: not JSON: {error}", name) from error
    if name == "webhook_events":
        return [event.strip() for event in value.split(",") if event.strip()]
    return value
