"""What each call does, as flows: requests, retries, pages. Written once for both clients."""

import logging
import time
from collections.abc import Mapping
from itertools import count
from urllib.parse import quote

import httpx

from worker.client.errors import ClientError, TookTooLong, Unreachable, api_error
from worker.client.job import Job
from worker.client.retry import STATUSES, Retry
from worker.client.steps import Flow, Give, Part, Send, Sleep

log = logging.getLogger(__name__)
PAGE = 100
POLL_SECONDS = (0.25, 5.0)


def ask(call: Send, retry: Retry) -> Part[httpx.Response]:
    """The answer to a call that may be sent more than once. Raises ApiError or Unreachable."""
    for tries in count(1):
        try:
            response: httpx.Response = yield call
        except httpx.TransportError as error:
            told, asked = f"{type(error).__name__}: {error}", None
            failure: ClientError = Unreachable(f"{call.method} {call.path}: {told}")
        else:
            if response.is_success:
                return response
            if tries > 1 and call.method == "DELETE" and response.status_code == 404:
                return response  # an earlier try did it, its answer was lost
            refused = failure = api_error(response)
            if refused.status not in STATUSES:
                raise refused
            told, asked = str(refused), refused.retry_after
        pause = retry.pause(tries, asked)
        if pause is None:
            raise failure
        log.warning("%s %s: %s; again in %.1f s", call.method, call.path, told, pause)
        yield Sleep(pause)
    raise AssertionError


def place(job_id: str, *rest: str, under: str = "jobs") -> str:
    """The path of a job; an id is quoted, so that no text of a caller's can lead elsewhere."""
    if job_id in ("", ".", ".."):
        raise ValueError(f"{job_id!r} is no job id")
    return "/".join(["/v1", under, quote(job_id, safe=""), *rest])


def submit(call: Send, retry: Retry) -> Flow[Job]:
    accepted = yield from ask(call, retry)
    yield from job(accepted.json()["id"], retry)


def job(job_id: str, retry: Retry) -> Flow[Job]:
    answer = yield from ask(Send("GET", place(job_id)), retry)
    yield Give(Job.model_validate(answer.json()))


def jobs(status: str | None, metadata: Mapping[str, str], limit: int | None, retry: Retry) -> Flow[Job]:
    """Newest first, page by page as they are asked for, at most `limit`."""
    wanted = {"status": status, **{f"metadata[{key}]": value for key, value in metadata.items()}}
    params = {name: value for name, value in wanted.items() if value is not None}
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = (yield from ask(Send("GET", "/v1/jobs", params={**params, "limit": size}), retry)).json()
        for record in page["data"]:
            yield Give(Job.model_validate(record))
        if not page["has_more"]:
            return
        params["after"] = page["last_id"]
        left = None if left is None else left - len(page["data"])


def cancel(job_id: str, retry: Retry) -> Flow[Job]:
    answer = yield from ask(Send("POST", place(job_id, "cancel")), retry)
    yield Give(Job.model_validate(answer.json()))


def delete(job_id: str, retry: Retry) -> Flow[None]:
    yield from ask(Send("DELETE", place(job_id, under="videos")), retry)
    yield Give(None)


def wait(job_id: str, timeout: float | None, retry: Retry) -> Flow[Job]:
    """Asks again after a quarter of what is left, as far as that is known."""
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        answer = yield from ask(Send("GET", place(job_id)), retry)
        found = Job.model_validate(answer.json())
        if found.over:
            yield Give(found)
            return
        quarter = 1.0 if found.eta_seconds is None else found.eta_seconds / 4
        pause = min(max(quarter, POLL_SECONDS[0]), POLL_SECONDS[1])
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TookTooLong(f"{job_id} is {found.status} after {timeout:g} s")
            pause = min(pause, left)
        yield Sleep(pause)
