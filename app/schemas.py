"""What clients send and get: public, documented, forgiving. The facts inside are worker.contract.job."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from worker.contract.job import JobState

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
VideoStatus = Literal["queued", "in_progress", "completed", "failed"]
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


class ErrorObject(BaseModel):
    code: str
    message: str


class ErrorBody(ErrorObject):
    type: str
    param: str | None = Field(description="The field at fault, dotted (`shots.0.seconds`).")


class ErrorEnvelope(BaseModel):
    """Every answer that is not 2xx."""

    error: ErrorBody


class VideoObject(BaseModel):
    """A job in the shape of OpenAI's video API."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: VideoStatus
    progress: int = Field(description="0 to 100.")
    created_at: int
    completed_at: int | None
    expires_at: int | None
    prompt: str
    size: str
    seconds: str
    remixed_from_video_id: str | None = None
    error: ErrorObject | None


class VideoList(BaseModel):
    object: Literal["list"] = "list"
    data: list[VideoObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(BaseModel):
    id: str
    deleted: Literal[True] = True
    object: Literal["video.deleted"] = "video.deleted"


class SegmentObject(BaseModel):
    index: int
    start_seconds: float
    duration_seconds: float
    url: str = Field(description="Signed; expires.")


class OriginObject(BaseModel):
    """The job that this one was made from."""

    job_id: str
    kind: Literal["fork", "extension", "remix"]
    window: int = Field(description="The first window that is not shared with it.")


class JobObject(BaseModel):
    """The full record of a job. Times are Unix seconds."""

    id: str
    object: Literal["job"] = "job"
    status: JobState
    progress: float = Field(description="0 to 1.")
    windows_done: int
    windows_total: int
    windows_redone: int = Field(description="Windows that were in flight when a worker died.")
    worker: str | None
    attempts: int = Field(description="How often a worker took the job.")
    position: int | None = Field(description="Place in the queue, 1 is next; null when it does not wait.")
    eta_seconds: float | None = Field(description="From measured window times; null before the first one.")
    eta_error_seconds: float | None = Field(
        description="How far `eta_seconds` may be off: a standard deviation of a window, times windows."
    )
    segments: list[SegmentObject]
    playlist_url: str | None = Field(description="HLS; null until the first segment is there.")
    video_url: str | None
    image_url: str | None = Field(description="The first picture, given or made; signed, expires.")
    thumbnail_url: str | None
    timings: dict[str, float] = Field(description="Seconds by stage.")
    seed: int
    error: ErrorObject | None
    cancel_requested: bool
    created_at: float
    started_at: float | None
    finished_at: float | None
    expires_at: float | None = Field(description="When it is deleted, where the server keeps a limit.")
    prompt: str
    model: str
    size: str
    seconds: float
    shots: list[ShotRequest]
    metadata: dict[str, str]
    origin: OriginObject | None


class EstimateObject(BaseModel):
    """What a job would take if it were accepted now. Nothing is accepted or kept."""

    object: Literal["estimate"] = "estimate"
    model: str
    seconds: float
    num_frames: int
    windows_total: int
    position: int = Field(description="The place in the queue it would get.")
    cost_window_seconds: float | None = Field(
        description="Seconds of a worker's time, by measured window times; null before the first one."
    )
    eta_seconds: float | None = Field(description="Until it would be done, others' turns included.")
    eta_error_seconds: float | None
    ready: bool = Field(description="Whether a worker is there to render it.")


class JobList(BaseModel):
    object: Literal["list"] = "list"
    data: list[JobObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeadLetter(BaseModel):
    """A webhook that was given up. `id` is the `webhook-id` that every try of it carried."""

    id: str
    object: Literal["webhook.dead_letter"] = "webhook.dead_letter"
    job_id: str
    type: str
    url: str
    attempts: int
    reason: str | None = Field(description="Why the last try failed.")
    created_at: float


class DeadLetterList(BaseModel):
    object: Literal["list"] = "list"
    data: list[DeadLetter]
    has_more: bool


class Redelivery(BaseModel):
    id: str
    object: Literal["webhook.redelivery"] = "webhook.redelivery"
    status: Literal["pending"] = "pending"


class ModelObject(BaseModel):
    id: str
    object: Literal["model"] = "model"
    description: str
    licence: str
    sizes: list[str]
    fps: int
    min_seconds: float
    max_seconds: float
    max_shots: int
    guidance: bool
    steps: int
    repository: str | None = Field(description="Where its weights are published; null: nowhere else.")
    min_memory_gib: float = Field(
        description="What its weights alone take in bfloat16: arithmetic, not a measurement."
    )
    default: bool = Field(description="What a request gets that names no model.")
    accepted: bool = Field(description="Whether a job for it is accepted now, and waits if it has to.")
    ready: bool = Field(description="Whether a worker has it loaded now.")


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]
