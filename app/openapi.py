"""The request body of POST /v1/videos for the OpenAPI document: the route reads it itself, in two forms."""

from typing import Any

from app.schemas import VideoRequest


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Pydantic's local `$defs` put in place, since references in a document count from its root."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}


def _request_body() -> dict[str, Any]:
    schema = VideoRequest.model_json_schema()
    body = _inlined(schema, schema.get("$defs", {}))
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
    example = {"prompt": "a red ball on a green field, the camera pans left", "seconds": 4, "seed": 7}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": body, "example": example},
            "multipart/form-data": {"schema": form},
        },
    }


VIDEO_REQUEST_BODY = _request_body()
