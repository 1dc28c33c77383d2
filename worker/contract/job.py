"""The job: what was asked for (spec) and what has happened to it (record). Frozen, JSON-able."""

import secrets
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from worker.contract.errors import Code


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)


WEBHOOK_EVENTS = ("video.started", "video.segment", "video.completed", "video.failed", "video.canceled")
DEFAULT_WEBHOOK_EVENTS = ("video.completed", "video.failed", "video.canceled")


def new_job_id() -> str:
    """`video_` and 32 hex digits; the first 16 are the time in ns, so that ids sort by age."""
    return f"video_{time.time_ns():016x}{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Shot:
    """A prompt that holds for some seconds of the video."""

    prompt: str
    seconds: float


@dataclass(frozen=True)
class Origin:
    """The job that another one was made from."""

    job_id: str
    kind: str
    """`fork`, `extension` or `remix`."""
    window: int = 0
    """The first window that is not shared: those before it are the same files."""


@dataclass(frozen=True)
class JobSpec:
    """All that decides what is rendered and who hears of it; fixed when the job is accepted."""

    prompt: str
    model: str
    size: str
    """`WIDTHxHEIGHT`"""
    seconds: float
    num_frames: int
    fps: int
    seed: int
    shots: tuple[Shot, ...]
    """At least one: the prompt itself where the client gave none. Their seconds sum to `seconds`."""
    image_key: str | None = None
    """The input image in S3 (a checked PNG); None means text-to-image comes first."""
    webhook_url: str | None = None
    webhook_events: tuple[str, ...] = DEFAULT_WEBHOOK_EVENTS
    priority: int = 0
    deadline_at: float | None = None
    """Unix seconds."""
    metadata: dict[str, str] = field(default_factory=dict)
    owner: str = "anonymous"
    origin: Origin | None = None

    def to_dict(self) -> dict[str, Any]:
        # By hand: asdict takes ten times as long, and each job that is accepted would wait for it.
        shots, origin = [vars(shot) for shot in self.shots], self.origin and vars(self.origin)
        return {**vars(self), "shots": shots, "origin": origin}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "JobSpec":
        shots = tuple(Shot(**shot) for shot in data["shots"])
        origin = Origin(**data["origin"]) if data.get("origin") else None
        events = tuple(data["webhook_events"])
        return cls(**{**data, "shots": shots, "webhook_events": events, "origin": origin})


@dataclass(frozen=True)
class Segment:
    """One committed window: the media segment that holds its frames."""

    index: int
    start_frame: int
    num_frames: int
    key: str
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Segment":
        return cls(**data)


@dataclass(frozen=True)
class JobError:
    code: Code
    message: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """The record as it stands in Redis. Times are Unix seconds, `timings` seconds by stage."""

    id: str
    spec: JobSpec
    state: JobState
    created_at: float
    windows_total: int
    started_at: float | None = None
    finished_at: float | None = None
    windows_redone: int = 0
    attempts: int = 0
    """How often a worker took the job (slices), whatever ended the slice."""
    worker: str | None = None
    segments: tuple[Segment, ...] = ()
    image_key: str | None = None
    video_key: str | None = None
    thumbnail_key: str | None = None
    sprites_key: str | None = None
    error: JobError | None = None
    timings: dict[str, float] = field(default_factory=dict)
    cancel_requested: bool = False
    trace: dict[str, str] = field(default_factory=dict)
    """The trace context of the request that posted it, as headers (tracing.py), if there was one."""
    position: int | None = None
    """In its model's line when it was read: the jobs ahead of it plus one; None when it does not wait."""

    @property
    def windows_done(self) -> int:
        return len(self.segments)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "windows_done": self.windows_done, "state": str(self.state)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Job":
        fields = {key: value for key, value in data.items() if key != "windows_done"}
        fields["spec"] = JobSpec.from_dict(data["spec"])
        fields["state"] = JobState(data["state"])
        fields["segments"] = tuple(Segment.from_dict(segment) for segment in data.get("segments", ()))
        fields["error"] = JobError(**data["error"]) if data.get("error") else None
        return cls(**fields)


@dataclass(frozen=True)
class Event:
    """One entry of a job's event stream; `id` orders them and is what a reader resumes after."""

    id: str
    type: str
    data: dict[str, Any]


@dataclass(frozen=True)
class OutboxEntry:
    """A webhook that is owed: the same `webhook_id` on every try."""

    webhook_id: str
    job_id: str
    type: str
    """One of WEBHOOK_EVENTS."""
    url: str
    created_at: float
    owner: str
    attempts: int
    """Tries begun so far, the present one included; counted anew when it is redelivered."""
    data: dict[str, Any]
    """What the event tells: id, status, and error, segment or nothing."""
    reason: str | None = None
    """Why the last try failed."""
    trace: dict[str, str] = field(default_factory=dict)
    """The job's."""
