"""What the client raises.

ClientError
├── ApiError     the server answered with an error
├── Unreachable  no answer, as often as it was tried
└── TookTooLong  `wait` came to the end of its patience; the job goes on
"""

import time
from email.utils import parsedate_to_datetime

import httpx


class ClientError(Exception):
    """Base of all."""


class ApiError(ClientError):
    """The server's own words. `code` is stable (docs/errors.md lists them), `param` the field at fault."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{message} ({status} {code})")
        self.code = code
        self.message = message
        self.status = status
        self.param = param
        self.retry_after = retry_after
        """Seconds, where the server named a time."""


class Unreachable(ClientError):
    pass


class TookTooLong(ClientError):
    pass


def api_error(response: httpx.Response) -> ApiError:
    """From an answer whose body was read. What is no envelope of ours, a proxy said: code `http_error`."""
    retry_after = _seconds(response.headers.get("retry-after"))
    try:
        error = response.json()["error"]
        code, message, param = error["code"], error["message"], error.get("param")
    except (ValueError, LookupError, TypeError, AttributeError):
        code, message, param = "http_error", response.reason_phrase or "an answer without a reason", None
    return ApiError(code, message, status=response.status_code, param=param, retry_after=retry_after)


def _seconds(header: str | None) -> float | None:
    """Retry-After: a number of seconds or a date (RFC 9110, 10.2.3)."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
