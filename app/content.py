"""An artefact's bytes out of storage, with ranges and ETag (RFC 9110).

The 206 is built here: not every S3 server answers a ranged read with one.
"""

import re
from collections.abc import Mapping

from fastapi import Response
from fastapi.responses import StreamingResponse

from worker.contract.errors import Conflict
from worker.contract.job import Job, JobState
from worker.contract.storage import Storage

VARIANTS = {
    "video": ("video_key", "video/mp4", "mp4"),
    "thumbnail": ("thumbnail_key", "image/jpeg", "jpg"),
    "spritesheet": ("sprites_key", "image/jpeg", "jpg"),
}
_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")


def content(job: Job, variant: str, headers: Mapping[str, str], storage: Storage) -> Response:
    """Raises Conflict while there is nothing, or when there never will be."""
    field, media_type, suffix = VARIANTS[variant]
    key = getattr(job, field)
    if key is None:
        raise _absent(job, variant)
    info = storage.info(key)
    answer = {
        "ETag": info.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f'inline; filename="{job.id}.{suffix}"',
    }
    if headers.get("if-none-match") in (info.etag, "*"):
        return Response(status_code=304, headers=answer)
    wanted = headers.get("range")
    if wanted and headers.get("if-range", info.etag) == info.etag:
        part = byte_range(wanted, info.size_bytes)
        if part == ():
            answer["Content-Range"] = f"bytes */{info.size_bytes}"
            return Response(status_code=416, headers=answer)
        if part:
            start, end = part
            answer["Content-Range"] = f"bytes {start}-{end}/{info.size_bytes}"
            answer["Content-Length"] = str(end - start + 1)
            body = storage.open_range(key, start, end)
            return StreamingResponse(body, 206, headers=answer, media_type=media_type)
    answer["Content-Length"] = str(info.size_bytes)
    return StreamingResponse(storage.open_range(key), headers=answer, media_type=media_type)


def byte_range(header: str, size_bytes: int) -> tuple[int, int] | tuple[()] | None:
    """First and last byte; () when none of it exists; None when the header is to be ignored."""
    match = _RANGE.match(header.replace(" ", ""))
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = min(int(match[2]), size_bytes)
        return (size_bytes - length, size_bytes - 1) if length else ()
    start = int(match[1])
    end = min(int(match[2]), size_bytes - 1) if match[2] else size_bytes - 1
    if match[2] and int(match[2]) < start:
        return None
    return (start, end) if start < size_bytes else ()


def _absent(job: Job, variant: str) -> Conflict:
    if job.state in (JobState.FAILED, JobState.CANCELED):
        reason = job.error.message if job.error else "no reason was recorded"
        message = f"there is no {variant}: the job {job.state}: {reason}"
        return Conflict("video_failed" if job.state is JobState.FAILED else "video_canceled", message)
    return Conflict("not_ready", f"the {variant} is not ready, the job is {job.state}")
