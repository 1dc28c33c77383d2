"""A file of a finished job onto the disk: complete under its name, or not there at all."""

import hashlib
import os
from pathlib import Path

import httpx

from worker.client.errors import Unreachable
from worker.client.flows import ask, place
from worker.client.retry import Retry
from worker.client.steps import Flow, Give, Read, Send, Sleep


def download(job_id: str, path: Path, variant: str, retry: Retry) -> Flow[Path]:
    """Written beside `path` under a name that holds the ETag's hash: what another try left is gone on with.

    Raises OSError where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    where, params = place(job_id, "content", under="videos"), {"variant": variant}
    ranged: dict[str, str] = {}
    failures = 0
    while True:
        headers = {"Accept-Encoding": "identity", **ranged}
        response = yield from ask(Send("GET", where, params=params, headers=headers, stream=True), retry)
        etag = response.headers.get("etag", "")
        part = path.with_name(f".{path.name}.{hashlib.sha256(etag.encode()).hexdigest()[:12]}.part")
        had = part.stat().st_size if part.exists() else 0
        if not ranged and _can_go_on(response, had):
            ranged = _range(had, etag)
            continue
        start = had if response.status_code == 206 else 0
        try:
            with part.open("r+b" if start else "wb") as file:
                file.seek(start)
                while data := (yield Read()):
                    file.write(data)
        except httpx.TransportError as error:
            got = part.stat().st_size
            failures = 1 if got > start else failures + 1
            pause = retry.pause(failures)
            if pause is None:
                raise Unreachable(f"the download of {job_id} breaks off: {type(error).__name__}") from error
            ranged = _range(got, etag) if got and _is_strong(etag) else {}
            yield Sleep(pause)
            continue
        os.replace(part, path)
        yield Give(path)
        return


def _can_go_on(response: httpx.Response, had: int) -> bool:
    """Whether a file of `had` bytes is a beginning of this one. A complete one lacks its last byte."""
    length = response.headers.get("content-length", "")
    return _is_strong(response.headers.get("etag", "")) and length.isdigit() and 0 < had <= int(length)


def _is_strong(etag: str) -> bool:
    return etag.startswith('"')  # a weak one may not be sent as If-Range (RFC 9110, 13.1.5)


def _range(start: int, etag: str) -> dict[str, str]:
    return {"Range": f"bytes={start}-", "If-Range": etag}
