"""The client for asyncio: worker.client.sync's, each method to be awaited or iterated with `async for`."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
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


class AsyncClient:
    """`Client` with the same methods; files are read and written in the event loop's thread."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**address.options(url, api_key, timeout))
        self._retry = retry or Retry()

    async def submit(
        self, prompt: str | None = None, *, idempotency_key: str | None = None, **fields: Unpack[Submission]
    ) -> Job:
        call = submission(prompt, fields, idempotency_key or secrets.token_urlsafe(24))
        return await self._one(flows.submit(call, self._retry))

    async def job(self, job_id: str) -> Job:
        return await self._one(flows.job(job_id, self._retry))

    def jobs(
        self,
        *,
        status: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Job]:
        return self._many(flows.jobs(status, metadata or {}, limit, self._retry))

    def watch(self, job_id: str, *, after: str | None = None) -> AsyncIterator[Event]:
        return self._many(watch(job_id, after, self._retry))

    async def wait(self, job_id: str, timeout: float | None = None) -> Job:
        return await self._one(flows.wait(job_id, timeout, self._retry))

    async def cancel(self, job_id: str) -> Job:
        return await self._one(flows.cancel(job_id, self._retry))

    async def delete(self, job_id: str) -> None:
        await self._one(flows.delete(job_id, self._retry))

    async def download(self, job_id: str, path: Path | str, *, variant: str = "video") -> Path:
        return await self._one(download(job_id, Path(path), variant, self._retry))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def _one(self, flow: Flow[T]) -> T:
        async with contextlib.aclosing(self._many(flow)) as values:
            return await anext(values)

    async def _many(self, flow: Flow[T]) -> AsyncGenerator[T, None]:
        """Carry out the flow's steps; yields what it gives."""
        with contextlib.closing(flow):
            async with _Wire(self._http) as wire:
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
                            await asyncio.sleep(seconds)
                        case _:
                            try:
                                result = await (wire.send(step) if isinstance(step, Send) else wire.read())
                            except httpx.TransportError as error:
                                result = error


class _Wire:
    """One response at a time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._parts: AsyncIterator[bytes] | None = None

    async def send(self, call: Send) -> httpx.Response:
        await self._close()
        self._response = response = await self._http.send(address.request(self._http, call), stream=True)
        if call.stream and response.is_success:
            self._parts = response.aiter_bytes()
        else:
            await response.aread()
        return response

    async def read(self) -> bytes:
        return b"" if self._parts is None else await anext(self._parts, b"")

    async def _close(self) -> None:
        if self._response is not None:
            await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._close()
