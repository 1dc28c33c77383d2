"""From a body to a checked VideoRequest, and from that to the JobSpec the worker gets."""

import hashlib
import secrets
import time
from dataclasses import replace

from pydantic import ValidationError

from app.body import Body
from app.errors import invalid
from app.images import from_upload, from_url
from app.schemas import VideoRequest
from app.services import Services
from worker.contract import guarded
from worker.contract.errors import InvalidRequest, UrlRefused
from worker.contract.job import JobSpec, Shot
from worker.contract.models import MODELS, ModelInfo

DEFAULT_SECONDS = 4.0
SUM_TOLERANCE_SECONDS = 0.01


def parse(body: Body) -> VideoRequest:
    """Raises InvalidRequest, naming the first field at fault. A null is a field left out."""
    try:
        return VideoRequest.model_validate(
            {key: value for key, value in body.fields.items() if value is not None}
        )
    except ValidationError as error:
        raise invalid(error.errors()) from error


def body_hash(request: VideoRequest, body: Body) -> str:
    """What makes two requests the same one under an idempotency key: the fields and the files."""
    digest = hashlib.sha256(request.model_dump_json(exclude_unset=True).encode())
    for name, data in sorted(body.files.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    return digest.hexdigest()


def to_spec(request: VideoRequest, files: dict[str, bytes], owner: str, services: Services) -> JobSpec:
    """Check the fields against each other, the model and the limits; fetch and store the image last.

    Raises:
        InvalidRequest: `param` is the field.
        TooLarge: the image.
        Unavailable: storage.
    """
    settings = services.settings
    model = _model(request.model or settings.model)
    size = request.size or model.sizes[0]
    if size not in model.sizes:
        raise _wrong("size", f"{model.name} makes {', '.join(model.sizes)}")
    if request.negative_prompt and not model.guidance:
        raise _wrong("negative_prompt", f"{model.name} has no guidance, so it could not heed one")
    shots = _shots(request, model, settings.max_prompt_chars, min(model.max_seconds, settings.max_seconds))
    _check_metadata(request.metadata)
    _check_webhook(request, services)
    seconds = request.seconds if request.seconds is not None else sum(shot.seconds for shot in shots)
    spec = JobSpec(
        prompt=request.prompt or shots[0].prompt,
        model=model.name,
        size=size,
        seconds=seconds,
        num_frames=max(1, round(seconds * model.fps)),
        fps=model.fps,
        # Fixed here, so that every slice of the job draws the same noise.
        seed=request.seed if request.seed is not None else secrets.randbits(31),
        shots=shots,
        webhook_url=request.webhook_url,
        webhook_events=tuple(dict.fromkeys(request.webhook_events)),
        priority=request.priority,
        deadline_at=time.time() + request.deadline_seconds if request.deadline_seconds else None,
        metadata=request.metadata,
        owner=owner,
    )
    return replace(spec, image_key=_image(request, files, services))


def _wrong(param: str, message: str) -> InvalidRequest:
    return InvalidRequest("invalid_value", f"{param}: {message}", param)


def _model(name: str) -> ModelInfo:
    if name not in MODELS:
        raise _wrong("model", f"there is no model {name!r}; there is {', '.join(MODELS)}")
    return MODELS[name]


def _check_prompt(param: str, prompt: str | None, max_chars: int) -> None:
    if not prompt:
        raise _wrong(param, "must not be empty")
    if len(prompt) > max_chars:
        raise _wrong(param, f"{len(prompt)} characters; at most {max_chars} are taken")


def _shots(request: VideoRequest, model: ModelInfo, max_chars: int, max_seconds: float) -> tuple[Shot, ...]:
    if request.shots is None or request.prompt is not None:
        _check_prompt("prompt", request.prompt, max_chars)
    if request.shots is None:
        seconds = DEFAULT_SECONDS if request.seconds is None else request.seconds
        _check_seconds(seconds, model.min_seconds, max_seconds)
        return (Shot(str(request.prompt), seconds),)
    if not 1 <= len(request.shots) <= model.max_shots:
        raise _wrong("shots", f"{model.name} takes 1 to {model.max_shots}")
    for index, shot in enumerate(request.shots):
        _check_prompt(f"shots.{index}.prompt", shot.prompt, max_chars)
        if not 0 < shot.seconds <= max_seconds:
            raise _wrong(f"shots.{index}.seconds", f"must be above 0 and at most {max_seconds:g}")
    total = sum(shot.seconds for shot in request.shots)
    if request.seconds is not None and abs(total - request.seconds) > SUM_TOLERANCE_SECONDS:
        raise _wrong("shots", f"their seconds sum to {total:g}, yet seconds is {request.seconds:g}")
    _check_seconds(total, model.min_seconds, max_seconds)
    return tuple(Shot(shot.prompt, shot.seconds) for shot in request.shots)


def _check_seconds(seconds: float, minimum: float, maximum: float) -> None:
    if not minimum <= seconds <= maximum:
        raise _wrong("seconds", f"must be from {minimum:g} to {maximum:g}, not {seconds:g}")


def _check_metadata(metadata: dict[str, str]) -> None:
    if len(metadata) > 16:
        raise _wrong("metadata", "at most 16 pairs")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 64 or len(value) > 512:
            raise _wrong("metadata", "keys have 1 to 64 characters, values at most 512")


def _check_webhook(request: VideoRequest, services: Services) -> None:
    if request.webhook_url is None:
        return
    settings = services.settings
    if settings.webhook_secret is None:
        raise _wrong("webhook_url", "this server has no webhook secret, so it could not sign")
    try:
        guarded.check_url(request.webhook_url, allow_private=settings.webhook_allow_private)
    except UrlRefused as error:
        raise UrlRefused(error.code, f"webhook_url: {error.message}", "webhook_url") from error


def _image(request: VideoRequest, files: dict[str, bytes], services: Services) -> str | None:
    urls = {
        "image": request.image,
        "input_reference": request.input_reference.image_url if request.input_reference else None,
    }
    given = [name for name, value in (*files.items(), *urls.items()) if value is not None]
    if len(given) > 1:
        raise _wrong(given[-1], "only one image can be the first picture")
    if not given:
        return None
    name = given[0]
    if name in files:
        return from_upload(files[name], name, services)
    return from_url(str(urls[name]), name if name == "image" else "input_reference.image_url", services)


def idempotency(key: str | None, request: VideoRequest, body: Body) -> tuple[str, str] | None:
    """The pair that JobStore.create takes, from the Idempotency-Key header."""
    if key is None:
        return None
    return hashlib.sha256(key.encode()).hexdigest(), body_hash(request, body)
