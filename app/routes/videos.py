"""/v1/videos: making videos, in the shape of OpenAI's API, and playing them."""

import contextlib
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from app import content, hls, parse
from app.accept import IdempotencyKey, accept, answer
from app.body import Body, read_body
from app.errors import documented
from app.objects import EstimateObject, VideoDeleted, VideoList, VideoObject
from app.openapi import VIDEO_REQUEST_BODY
from app.request_id import about_job
from app.requests import VideoRequest
from app.room import require_room
from app.services import Owner, Using
from app.views import estimate_object, video_object
from worker.contract.errors import NotFound, Unavailable
from worker.contract.job import Job
from worker.contract.trash import empty_trash

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=documented(401, 503))


def owned(job_id: str, owner: Owner, services: Using) -> Job:
    """The job, if it is the asker's; another's is not told from one that never was."""
    job = services.store.get(job_id)
    if job.spec.owner != owner:
        raise NotFound("not_found", f"there is no job {job_id}")
    about_job(job_id)
    return job


Owned = Annotated[Job, Depends(owned)]


@router.post(
    "",
    status_code=202,
    response_model=VideoObject,
    responses=documented(400, 409, 413, 415, 422, 429, 503),
    openapi_extra=VIDEO_REQUEST_BODY,
)
def create_video(
    owner: Owner,  # before the body: nobody uploads megabytes to learn that the key is wrong
    body: Annotated[Body, Depends(read_body)],
    services: Using,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accept a job. `Location` is its record; from this answer on it is not lost."""
    request = parse.parse(body, VideoRequest)
    spec = parse.to_spec(request, owner, services)
    spec = replace(spec, image_key=parse.first_image(request, body.files, services))
    parse.check_picture(spec, services)
    once = parse.idempotency(idempotency_key, request, body, "/v1/videos")
    return accept(spec, services, idempotency=once)


@router.post("/estimate", responses=documented(400, 413, 415, 422), openapi_extra=VIDEO_REQUEST_BODY)
def estimate_video(
    owner: Owner, body: Annotated[Body, Depends(read_body)], services: Using
) -> EstimateObject:
    """What `POST /v1/videos` with the same body would take; everything is checked but a picture."""
    request = parse.parse(body, VideoRequest)
    spec = parse.to_spec(request, owner, services)
    require_room(spec, services)
    return estimate_object(spec, services)


@router.get("", responses=documented(422))
def list_videos(
    owner: Owner,
    services: Using,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> VideoList:
    """A page of your videos; go on with `after=last_id`."""
    jobs, has_more = services.store.list(owner, after=after, limit=limit, order=order)
    data = [video_object(job, services) for job in jobs]
    return VideoList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=has_more,
    )


@router.get("/{job_id}", response_model=VideoObject, responses=documented(404))
def get_video(job_id: str, owner: Owner, services: Using) -> Response:
    """How far it is, in OpenAI's shape; a job that failed or was canceled is `failed`, with its reason."""
    return answer(owned(job_id, owner, services), services)


@router.delete("/{job_id}", responses=documented(404, 503))
def delete_video(job: Owned, services: Using) -> VideoDeleted:
    """Cancel it if it lives, then forget it and its files, less those that a fork of it shares."""
    services.store.request_cancel(job.id)
    # The record goes first: a worker that still has the job is stale from then on and stops.
    services.store.delete(job.id)
    with contextlib.suppress(Unavailable):  # the hooks worker deletes what is left
        empty_trash(services.store, services.storage)
    return VideoDeleted(id=job.id)


@router.get(
    "/{job_id}/content",
    response_class=Response,
    responses={
        **documented(404, 409),
        200: {"content": {"video/mp4": {}, "image/jpeg": {}}},
        206: {"description": "The asked range"},
        304: {"description": "Not modified"},
        416: {"description": "No such range"},
    },
)
def get_content(
    job: Owned,
    services: Using,
    request: Request,
    variant: Literal["video", "thumbnail", "spritesheet"] = "video",
) -> Response:
    """The finished file. Ranges and ETag are honoured."""
    return content.content(job, variant, request.headers, services.storage)


@router.get(
    "/{job_id}/playlist.m3u8",
    response_class=Response,
    responses={**documented(404, 409), 200: {"content": {hls.MEDIA_TYPE: {}}}},
)
def get_playlist(job: Owned, services: Using) -> Response:
    """HLS: EVENT while it renders, VOD when it is over. Segments are signed URLs that expire."""
    return hls.playlist(job, services.storage)
