"""What clients get: public and documented. The facts inside are worker.contract.job."""

from typing import Literal

from pydantic import BaseModel, Field

from app.requests import ShotRequest
from worker.contract.job import JobState

VideoStatus = Literal["queued", "in_progress", "completed", "failed"]


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
