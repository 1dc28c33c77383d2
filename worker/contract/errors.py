"""Typed errors with stable codes; no HTTP in here.

Magic141Error
├── InvalidRequest            a field of the request is wrong; `param` names it
│   ├── MalformedBody         the body cannot be read at all
│   ├── UnsupportedMediaType  neither JSON nor multipart
│   ├── ImageRejected         not an image we take, or too many pixels
│   └── UrlRefused            a URL that may not or cannot be called
├── TooLarge                  more bytes than the limit
├── Unauthorized              no key, or an unknown one
├── NotFound                  no such thing, or not yours
├── Conflict                  the thing is not in a state for this
├── RetryLater                carries retry_after, in seconds
│   ├── QueueFull
│   ├── LimitReached      an API key's rate or quota is used up
│   └── Unavailable           Redis or S3 does not answer, or no worker has the model
├── JobCanceled               raised inside the worker to stop a slice
├── DeadlinePassed            the same, for the job's deadline
├── LeaseLost                 another worker holds the job now
└── EngineFailure             the model raised
"""

from typing import Literal

Code = Literal[
    "already_rendered",
    "bad_data_url",
    "body_too_large",
    "broken_image",
    "busy",
    "canceled",
    "deadline_passed",
    "does_not_fit",
    "engine_error",
    "http_error",
    "idempotency_conflict",
    "image_required",
    "image_too_large",
    "image_too_many_pixels",
    "internal_error",
    "invalid_api_key",
    "invalid_metrics_token",
    "invalid_value",
    "job_over",
    "key_exists",
    "key_queue_full",
    "lease_lost",
    "malformed_body",
    "method_not_allowed",
    "missing_api_key",
    "missing_metrics_token",
    "model_not_served",
    "not_an_image",
    "not_found",
    "not_ready",
    "queue_full",
    "quota_exceeded",
    "rate_limited",
    "redis_unavailable",
    "source_gone",
    "storage_unavailable",
    "too_large",
    "unknown_field",
    "unsupported_media_type",
    "url_refused",
    "url_unreachable",
    "video_canceled",
    "video_failed",
    "worker_lost",
]
"""Every one there is: docs/errors.md says when each comes. Clients match on them, so none is ever renamed."""


class Magic141Error(Exception):
    """Base of all: `code` is stable and short, `message` is for people, `param` names the field at fault."""

    def __init__(self, code: Code, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


class InvalidRequest(Magic141Error):
    pass


class MalformedBody(InvalidRequest):
    pass


class UnsupportedMediaType(InvalidRequest):
    pass


class ImageRejected(InvalidRequest):
    pass


class UrlRefused(InvalidRequest):
    pass


class TooLarge(Magic141Error):
    pass


class Unauthorized(Magic141Error):
    pass


class NotFound(Magic141Error):
    pass


class Conflict(Magic141Error):
    pass


class RetryLater(Magic141Error):
    """Nothing is wrong with the request: the same one may succeed after `retry_after` seconds."""

    def __init__(self, code: Code, message: str, param: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(code, message, param)
        self.retry_after = retry_after


class QueueFull(RetryLater):
    pass


class LimitReached(RetryLater):
    pass


class Unavailable(RetryLater):
    pass


class JobCanceled(Magic141Error):
    pass


class DeadlinePassed(Magic141Error):
    pass


class LeaseLost(Magic141Error):
    pass


class EngineFailure(Magic141Error):
    pass
