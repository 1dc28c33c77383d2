"""What clients send: public, documented, forgiving. The facts inside are worker.contract.job."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

_DIGITS = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"


def _number(value: Any) -> Any:
    """`true` is no number, though Python thinks so; a number may be a string, as the OpenAI SDK sends it."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    if isinstance(value, str):
        if not re.fullmatch(_DIGITS, value, re.ASCII):
            raise ValueError("must be a number")
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _integer(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be an integer")
    return value


def _seconds(mode: Literal["validation", "serialization"]) -> WithJsonSchema:
    forms = [{"type": "number"}, {"type": "string", "pattern": f"^{_DIGITS}$"}]
    return WithJsonSchema({"anyOf": forms} if mode == "validation" else forms[0], mode=mode)


Seconds = Annotated[float, BeforeValidator(_number), _seconds("validation"), _seconds("serialization")]
# Bounds stand before the validator: behind it, pydantic would not tell them in the schema.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1), BeforeValidator(_integer)]
Priority = Annotated[int, Field(ge=-10, le=10), BeforeValidator(_integer)]
Index = Annotated[int, Field(ge=0), BeforeValidator(_integer)]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    # An empty one is refused by hand, in plainer words than pydantic's.
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": "\\S"}),
]
WebhookEvent = Literal["video.started", "video.segment", "video.completed", "video.failed", "video.canceled"]
_DEFAULT_EVENTS: list[WebhookEvent] = ["video.completed", "video.failed", "video.canceled"]


class ShotRequest(BaseModel):
    """A prompt that holds for some seconds of the video."""

    model_config = ConfigDict(extra="forbid")
    prompt: Text
    seconds: Seconds


class InputReference(BaseModel):
    """OpenAI's way to name the first picture; its third form, `file_id`, has no counterpart here."""

    model_config = ConfigDict(extra="forbid")
    image_url: str = Field(description="An http(s) URL or a data URL.")


class VideoReference(BaseModel):
    """A video of this server."""

    model_config = ConfigDict(extra="forbid")
    id: str


class JobOptions(BaseModel):
    """What any job can be told, however its video is asked for."""

    model_config = ConfigDict(extra="forbid")
    webhook_url: str | None = Field(None, description="An http(s) URL on the public internet.")
    webhook_events: list[WebhookEvent] = Field(_DEFAULT_EVENTS, description="Which to send.")
    priority: Priority = Field(0, description="Above 0 the job goes before those that wait.")
    deadline_seconds: Annotated[float, Field(gt=0, le=7 * 86400), BeforeValidator(_number)] | None = Field(
        None, description="From now; a job that is not done by then fails with `deadline_passed`."
    )
    metadata: dict[str, str] = Field({}, description="At most 16 pairs, given back as they are.")


class VideoRequest(JobOptions):
    """A video to make. Everything but the prompt has a default."""

    prompt: Text | None = Field(None, description="What to show. May be left out where `shots` are given.")
    model: str | None = Field(None, description="One of `GET /v1/models`.")
    seconds: Seconds | None = Field(
        None, description="Length; a number or a string of one. Default: 4, or the sum of the shots."
    )
    size: str | None = Field(None, description="`WIDTHxHEIGHT`, one of the model's sizes.")
    image: str | None = Field(
        None, description="The first picture: an http(s) URL or a data URL (in multipart also a file part)."
    )
    input_reference: InputReference | None = Field(
        None, description="The same as `image`, OpenAI's way (in multipart a file part)."
    )
    seed: Seed | None = Field(
        None, description="The same request with the same seed gives the same frames. Random when left out."
    )
    negative_prompt: str | None = Field(None, description="Only where the model has guidance.")
    shots: list[ShotRequest] | None = Field(None, description="Prompts in turn; they sum to `seconds`.")


class ExtensionRequest(JobOptions):
    """A completed video made longer: its windows are shared, what follows has a prompt of its own."""

    prompt: Text
    seconds: Seconds = Field(description="How much longer.")
    video: VideoReference


class EditRequest(JobOptions):
    """A video made again, by another prompt."""

    prompt: Text
    video: VideoReference


class RemixRequest(JobOptions):
    """The same: size, length, seed and given picture are those of the video in the path."""

    prompt: Text


class ForkRequest(JobOptions):
    """A job that shares another one's windows before `window` and goes its own way from there."""

    window: Index | None = Field(
        None, description="The first one to be rendered anew; left out: the first that is not there yet."
    )
    prompt: Text | None = Field(None, description="From there to the end; left out: as before.")
    shots: list[ShotRequest] | None = Field(None, description="The same, in several shots.")
    seconds: Seconds | None = Field(None, description="Of the whole video; left out: as before.")
    seed: Seed | None = Field(None, description="From there on; left out: as before.")


class ShotPatch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    index: Index
    prompt: Text


class JobPatch(BaseModel):
    """What may be changed of a job that is not over."""

    model_config = ConfigDict(extra="forbid")
    shots: list[ShotPatch] = Field([], description="Prompts of shots of which no window was begun.")
    priority: Priority | None = None
