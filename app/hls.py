"""The playlist as the API serves it: the one of worker.contract.playlist, its names being signed URLs."""

from fastapi import Response

from worker.contract.errors import Conflict
from worker.contract.job import Job
from worker.contract.playlist import render
from worker.contract.storage import Storage

MEDIA_TYPE = "application/vnd.apple.mpegurl"


def playlist(job: Job, storage: Storage) -> Response:
    """EVENT while the job may grow, VOD once it is over, however it ended: what was finished plays.

    Raises Conflict before the first segment, as players take an empty playlist for a broken one.
    """
    if not job.segments:
        raise Conflict("not_ready", f"no segment yet, the job is {job.state}")
    ended = job.state.terminal
    text = render(job.segments, storage.signed_url, fps=job.spec.fps, ended=ended)
    # While it grows every reload must reach us; afterwards only the signatures age.
    cache = f"private, max-age={min(60, storage.signed_url_seconds // 4)}" if ended else "no-store"
    return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": cache})
