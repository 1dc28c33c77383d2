"""From a body to a checked VideoRequest, and from that to the JobSpec the worker gets."""

import hashlib
import secrets
import time
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.body import Body
from app.errors import invalid
from app.images import from_upload, from_url
from app.requests import JobOptions, ShotRequest, VideoRequest
from app.services import Services
from worker.contract import guarded
from worker.contract.errors import InvalidRequest, Unavailable, UrlRefused
from worker.contract.job import JobSpec, Shot
from worker.contract.models import MODELS, ModelInfo

DEFAULT_SECONDS = 4.0
SUM_TOLERANCE_SECONDS = 0.01
Asked = TypeVar("Asked", bound=BaseModel)


def parse(body: Body, schema: type[Asked]) -> Asked:
    """Raises InvalidRequest, naming the first field at fault. A null is a field left out."""
    try:
        # Names that nobody knows stay, so that they are told.
        known = schema.model_fields
        fields = {key: value for key, value in body.fields.items() if value is not None or key not in known}
        return schema.model_validate(fields)
    except ValidationError as error:
        raise invalid(error.errors()) from error


def body_hash(request: BaseModel, body: Body, path: str) -> str:
    """What makes two requests the same one under an idempotency key: the path, the fields and the files."""
    digest = hashlib.sha256(path.encode() + b"\0" + request.model_dump_json(exclude_unset=True).encode())
    for name, data in sorted(body.files.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    return digest.hexdigest()


def to_spec(request: VideoRequest, owner: str, services: Services) -> JobSpec:
    """Check the fields against each other, the model and the limits; the image is `first_image`'s.

    Raises InvalidRequest; `param` is the field.
    """
    settings = services.settings
    model = _model(request.model or settings.model, services)
    size = request.size or model.sizes[0]
    if size not in model.sizes:
        raise wrong("size", f"{model.name} makes {', '.join(model.sizes)}")
    if request.negative_prompt and not model.guidance:
        raise wrong("negative_prompt", f"{model.name} has no guidance, so it could not heed one")
    shots = _shots(request, model, services)
    seconds = request.seconds if request.seconds is not None else sum(shot.seconds for shot in shots)
    return JobSpec(
        prompt=request.prompt or shots[0].prompt,
        model=model.name,
        size=size,
        seconds=seconds,
        num_frames=num_frames(seconds, model),
        fps=model.fps,
        # Fixed here, so that every slice of the job draws the same noise.
        seed=request.seed if request.seed is not None else secrets.randbits(31),
        shots=shots,
        owner=owner,
        **options(request, services),
    )


def options(request: JobOptions, services: Services) -> dict[str, Any]:
    """What every job can be told, as fields of a JobSpec. Raises InvalidRequest."""
    _check_metadata(request.metadata)
    _check_webhook(request, services)
    return {
        "webhook_url": request.webhook_url,
        "webhook_events": tuple(dict.fromkeys(request.webhook_events)),
        "priority": request.priority,
        "deadline_at": time.time() + request.deadline_seconds if request.deadline_seconds else None,
        "metadata": request.metadata,
    }


def num_frames(seconds: float, model: ModelInfo) -> int:
    return max(1, round(seconds * model.fps))


def wrong(param: str, message: str) -> InvalidRequest:
    return InvalidRequest("invalid_value", f"{param}: {message}", param)


def _model(name: str, services: Services) -> ModelInfo:
    """Raises InvalidRequest, or Unavailable where nobody said that a worker for it will ever come."""
    if name not in MODELS:
        raise wrong("model", f"there is no model {name!r}; there is {', '.join(MODELS)}")
    if name not in services.settings.accepted_models:
        ready = services.store.models()
        if name not in ready:
            served = ", ".join(sorted(ready | services.settings.accepted_models))
            told = f"model: no worker has {name!r} loaded; this server makes {served}"
            raise Unavailable("model_not_served", told, "model", retry_after=60)
    return MODELS[name]


def check_prompt(param: str, prompt: str | None, services: Services) -> None:
    """Raises InvalidRequest."""
    max_chars = services.settings.max_prompt_chars
    if not prompt:
        raise wrong(param, "must not be empty")
    if len(prompt) > max_chars:
        raise wrong(param, f"{len(prompt)} characters; at most {max_chars} are taken")


def _shots(request: VideoRequest, model: ModelInfo, services: Services) -> tuple[Shot, ...]:
    if request.shots is None or request.prompt is not None:
        check_prompt("prompt", request.prompt, services)
    if request.shots is None:
        seconds = DEFAULT_SECONDS if request.seconds is None else request.seconds
        check_seconds(seconds, model, services)
        return (Shot(str(request.prompt), seconds),)
    shots = checked_shots(request.shots, model, services)
    total = sum(shot.seconds for shot in shots)
    if request.seconds is not None and abs(total - request.seconds) > SUM_TOLERANCE_SECONDS:
        raise wrong("shots", f"their seconds sum to {total:g}, yet seconds is {request.seconds:g}")
    check_seconds(total, model, services)
    return shots


def checked_shots(shots: list[ShotRequest], model: ModelInfo, services: Services) -> tuple[Shot, ...]:
    """Raises InvalidRequest."""
    if not 1 <= len(shots) <= model.max_shots:
        raise wrong("shots", f"{model.name} takes 1 to {model.max_shots}")
    for index, shot in enumerate(shots):
        check_prompt(f"shots.{index}.prompt", shot.prompt, services)
        if not 0 < shot.seconds <= model.max_seconds:
            raise wrong(f"shots.{index}.seconds", f"must be above 0 and at most {model.max_seconds:g}")
    return tuple(Shot(shot.prompt, shot.seconds) for shot in shots)


def check_seconds(seconds: float, model: ModelInfo, services: Services) -> None:
    """The length of a whole video. Raises InvalidRequest."""
    minimum, maximum = model.min_seconds, min(model.max_seconds, services.settings.max_seconds)
    if not minimum <= seconds <= maximum:
        raise wrong("seconds", f"must be from {minimum:g} to {maximum:g}, not {seconds:g}")


def _check_metadata(metadata: dict[str, str]) -> None:
    if len(metadata) > 16:
        raise wrong("metadata", "at most 16 pairs")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 64 or len(value) > 512:
            raise wrong("metadata", "keys have 1 to 64 characters, values at most 512")


def _check_webhook(request: JobOptions, services: Services) -> None:
    if request.webhook_url is None:
        return
    settings = services.settings
    if settings.webhook_secret is None:
        raise wrong("webhook_url", "this server has no webhook secret, so it could not sign")
    try:
        guarded.check_url(request.webhook_url, allow_private=settings.webhook_allow_private)
    except UrlRefused as error:
        raise UrlRefused(error.code, f"webhook_url: {error.message}", "webhook_url") from error


def first_image(request: VideoRequest, files: dict[str, bytes], services: Services) -> str | None:
    """The storage key of the picture that was given, fetched, checked and stored.

    Raises:
        InvalidRequest: `param` is the field.
        TooLarge
        Unavailable: storage.
    """
    urls = {
        "image": request.image,
        "input_reference": request.input_reference.image_url if request.input_reference else None,
    }
    given = [name for name, value in (*files.items(), *urls.items()) if value is not None]
    if len(given) > 1:
        raise wrong(given[-1], "only one image can be the first picture")
    if not given:
        return None
    name = given[0]
    if name in files:
        return from_upload(files[name], name, services)
    return from_url(str(urls[name]), name if name == "image" else "input_reference.image_url", services)


def check_picture(spec: JobSpec, services: Services) -> None:
    """Raises InvalidRequest where there is none, and no worker of the model makes one."""
    if spec.image_key is None and not services.store.paints(spec.model):
        told = f"image: {spec.model} is served without a text-to-image model, so give a picture"
        raise InvalidRequest("image_required", told, "image")


def idempotency(key: str | None, request: BaseModel, body: Body, path: str) -> tuple[str, str] | None:
    """The pair that JobStore.create takes, from the Idempotency-Key header."""
    if key is None:
        return None
    return hashlib.sha256(key.encode()).hexdigest(), body_hash(request, body, path)
