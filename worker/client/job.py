"""What the server tells of a job. Frozen; fields that a newer server adds are passed over."""

from pydantic import BaseModel, ConfigDict

OVER = frozenset({"succeeded", "failed", "canceled"})


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class JobError(Record):
    code: str
    message: str


class Shot(Record):
    """A prompt that holds for some seconds of the video."""

    prompt: str
    seconds: float


class Segment(Record):
    """A finished window: a piece of the video that plays, by a signed URL that expires."""

    index: int
    start_seconds: float
    duration_seconds: float
    url: str


class Job(Record):
    """A job as it stood when it was asked for. Times are Unix seconds, `timings` seconds by stage."""

    id: str
    status: str
    """queued, running, succeeded, failed or canceled."""
    progress: float = 0.0
    """0 to 1; 1 only once the MP4 is there."""
    windows_done: int = 0
    windows_total: int = 0
    windows_redone: int = 0
    worker: str | None = None
    attempts: int = 0
    position: int | None = None
    """Place in the queue, 1 is next."""
    eta_seconds: float | None = None
    eta_error_seconds: float | None = None
    segments: tuple[Segment, ...] = ()
    playlist_url: str | None = None
    video_url: str | None = None
    image_url: str | None = None
    thumbnail_url: str | None = None
    timings: dict[str, float] = {}
    seed: int | None = None
    error: JobError | None = None
    cancel_requested: bool = False
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    prompt: str = ""
    model: str = ""
    size: str = ""
    seconds: float = 0.0
    shots: tuple[Shot, ...] = ()
    metadata: dict[str, str] = {}

    @property
    def over(self) -> bool:
        return self.status in OVER
