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
│   └── Unavailable           Redis or S3 does not answer
├── JobCanceled               raised inside the worker to stop a slice
├── DeadlinePassed            the same, for the job's deadline
├── LeaseLost                 another worker holds the job now
└── EngineFailure             the model raised
"""


class Magic141Error(Exception):
    """Base of all: `code` is stable and short, `message` is for people, `param` names the field at fault."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
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

    def __init__(self, code: str, message: str, param: str | None = None, *, retry_after: int = 5) -> None:
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
