"""The body of POST /v1/videos from Python values."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

from worker.client.job import Shot
from worker.client.steps import Send

URL_SCHEMES = ("http", "https", "data")


class Submission(TypedDict, total=False):
    """What may be asked for besides the prompt; what is left out or None, the server decides."""

    image: Path | str | bytes | None
    """The first picture: a file, its bytes, or an http(s) or data URL."""
    model: str | None
    seconds: float | None
    size: str | None
    seed: int | None
    negative_prompt: str | None
    shots: Sequence[Shot | tuple[str, float]] | None
    """Prompts in turn with their seconds."""
    webhook_url: str | None
    webhook_events: Sequence[str] | None
    priority: int | None
    deadline_seconds: float | None
    metadata: Mapping[str, str] | None


def submission(prompt: str | None, fields: Submission, idempotency_key: str) -> Send:
    """The request. Raises OSError where `image` cannot be read, TypeError for a field that is not known."""
    if unknown := fields.keys() - Submission.__annotations__.keys():
        raise TypeError(f"submit() has no argument {', '.join(sorted(unknown))}")
    body: dict[str, Any] = {"prompt": prompt, **fields}
    image = body.pop("image", None)
    if shots := body.get("shots"):
        body["shots"] = [_shot(shot) for shot in shots]
    if isinstance(image, str) and urlsplit(image).scheme.lower() in URL_SCHEMES:
        body["image"], image = image, None
    body = {name: value for name, value in body.items() if value is not None}
    headers = {"Idempotency-Key": idempotency_key}
    if image is None:
        return Send("POST", "/v1/videos", headers=headers, json=body)
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    return Send("POST", "/v1/videos", headers=headers, data=_form(body), files={"image": ("image", data)})


def _shot(shot: Shot | tuple[str, float]) -> dict[str, Any]:
    if isinstance(shot, Shot):
        return shot.model_dump()
    prompt, seconds = shot
    return {"prompt": prompt, "seconds": seconds}


def _form(body: Mapping[str, Any]) -> dict[str, str]:
    """Form fields: what is a list or an object goes as JSON text."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
