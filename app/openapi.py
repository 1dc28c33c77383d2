"""Request bodies for the OpenAPI document, where a route reads them itself, in two forms."""

from typing import Any

from pydantic import BaseModel

from app.examples import VIDEO_REQUESTS
from app.requests import VideoRequest


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Pydantic's local `$defs` put in place, since references in a document count from its root."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}


def request_body(schema: type[BaseModel], **shown: Any) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes such fields, as JSON or as a form.

    `shown` is an `example`, or named `examples`.
    """
    body = _body(schema)
    forms = {"multipart/form-data": {"schema": body}}
    content = {"application/json": {"schema": body, **shown}, **forms}
    return {"requestBody": {"required": True, "content": content}}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return _inlined(schema, schema.get("$defs", {}))


def _video_request_body() -> dict[str, Any]:
    extra = request_body(VideoRequest, examples=VIDEO_REQUESTS)
    content = extra["requestBody"]["content"]
    body = _body(VideoRequest)
    file = {"type": "string", "format": "binary"}
    fields = body["properties"]
    form = {
        **body,
        "properties": {
            **fields,
            "image": {
                **file,
                "description": "The first picture: a PNG, JPEG or WebP file, or a URL as text.",
            },
            "input_reference": {**file, "description": "The same, OpenAI's name for it."},
        },
    }
    content["multipart/form-data"] = {"schema": form}
    return extra


VIDEO_REQUEST_BODY = _video_request_body()
