"""The client for ordinary code."""

import contextlib
import secrets
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

import httpx

from worker.client import address, flows
from worker.client.download import download
from worker.client.event import Event
from worker.client.job import Job
from worker.client.retry import Retry
from worker.client.steps import Flow, Give, Send, Sleep
from worker.client.submission import Submission, submission
from worker.client.watch import watch

T = TypeVar("T")


class Client:
    """One service. Closes with `close` or `with`; threads may share it.

    Every method raises ApiError where the server says no and Unreachable where it says nothing; 429, 503 and
    broken connections are tried again first, as `retry` says.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
    ) -> None:
        """`url` and `api_key` default to MAGIC141_URL (else http://127.0.0.1:8000) and MAGIC141_API_KEY."""
        self._http = httpx.Client(**address.options(url, api_key, timeout))
        self._retry = retry or Retry()

    def submit(
        self, prompt: str | None = None, *, idempotency_key: str | None = None, **fields: Unpack[Submission]
    ) -> Job:
        """Have a video made; returns at once, with the job's record.

        Under one `idempotency_key` there is one job, however often it is sent; without one, each call makes
        its own, so that the tries of this call make one job.
        """
        call = submission(prompt, fields, idempotency_key or secrets.token_urlsafe(24))
        return self._one(flows.submit(call, self._retry))

    def job(self, job_id: str) -> Job:
        return self._one(flows.job(job_id, self._retry))

    def jobs(
        self,
        *,
        status: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Your jobs, newest first, fetched page by page as you go on."""
        return self._many(flows.jobs(status, metadata or {}, limit, self._retry))

    def watch(self, job_id: str, *, after: str | None = None) -> Iterator[Event]:
        """What happened to the job and what happens, each event once; ends with the job.

        A connection that breaks is made anew and goes on behind the last event. `after`: the id of an event
        seen earlier.
        """
        return self._many(watch(job_id, after, self._retry))

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """The job's record once it is over, however it ended. Raises TookTooLong after `timeout` seconds."""
        return self._one(flows.wait(job_id, timeout, self._retry))

    def cancel(self, job_id: str) -> Job:
        """Ask it to stop; the finished part stays playable."""
        return self._one(flows.cancel(job_id, self._retry))

    def delete(self, job_id: str) -> None:
        """Cancel it if it lives, then forget it and its files."""
        self._one(flows.delete(job_id, self._retry))

    def download(self, job_id: str, path: Path | str, *, variant: str = "video") -> Path:
        """Save a finished job's video, thumbnail or spritesheet; what a broken try left is gone on with."""
        return self._one(download(job_id, Path(path), variant, self._retry))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _one(self, flow: Flow[T]) -> T:
        with contextlib.closing(self._many(flow)) as values:
            return next(values)

    def _many(self, flow: Flow[T]) -> Generator[T, None, None]:
        """Carry out the flow's steps; yields what it gives."""
        with contextlib.closing(flow), _Wire(self._http) as wire:
            result: Any = None
            while True:
                try:
                    raised = isinstance(result, httpx.TransportError)
                    step = flow.throw(result) if raised else flow.send(result)
                except StopIteration:
                    return
                result = None
                match step:
                    case Give(value):
                        yield value
                    case Sleep(seconds):
                        time.sleep(seconds)
                    case _:
                        try:
                            result = wire.send(step) if isinstance(step, Send) else wire.read()
                        except httpx.TransportError as error:
                            result = error


class _Wire:
    """One response at a time."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._parts: Iterator[bytes] = iter(())

    def send(self, call: Send) -> httpx.Response:
        self._close()
        self._response = response = self._http.send(address.request(self._http, call), stream=True)
        if call.stream and response.is_success:
            self._parts = response.iter_bytes()
        else:
            response.read()
        return response

    def read(self) -> bytes:
        return next(self._parts, b"")

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()
