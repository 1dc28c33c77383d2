"""/v1/jobs: the full record of a job, its events, and its end on request."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app import derive, parse
from app.accept import json_response
from app.errors import documented
from app.events import follow
from app.objects import JobList, JobObject
from app.requests import JobPatch
from app.routes.videos import Owned, owned
from app.services import Owner, Using
from app.views import job_object
from worker.contract.job import JobState

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented(401, 503))


@router.get("", responses=documented(422))
def list_jobs(
    owner: Owner,
    services: Using,
    request: Request,
    status: JobState | None = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> JobList:
    """A page of your jobs; go on with `after=last_id`. `metadata[key]=value` filters, as `status` does."""
    metadata = {
        name[len("metadata[") : -1]: value
        for name, value in request.query_params.items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    jobs, has_more = services.store.list(
        owner, status=status, metadata=metadata, after=after, limit=limit, order=order
    )
    data = [job_object(job, str(request.base_url), services) for job in jobs]
    return JobList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=has_more,
    )


@router.get("/{job_id}", response_model=JobObject, responses=documented(404))
def get_job(job_id: str, owner: Owner, services: Using, request: Request) -> Response:
    """The full record: progress, place in the queue, time left, segments and URLs of what is there."""
    job = owned(job_id, owner, services)  # not Owned: this is asked most, and one thread does for all of it
    return json_response(job_object(job, str(request.base_url), services))


@router.post("/{job_id}/cancel", responses=documented(404))
def cancel_job(job: Owned, services: Using, request: Request) -> JobObject:
    """Stop it, within one denoising step where it renders; the finished part stays playable. Idempotent."""
    return job_object(services.store.request_cancel(job.id), str(request.base_url), services)


@router.patch("/{job_id}", responses=documented(400, 404, 409, 422))
def patch_job(job: Owned, patch: JobPatch, services: Using, request: Request) -> JobObject:
    """Change prompts of shots of which no window was begun, or the priority."""
    for index, shot in enumerate(patch.shots):
        parse.check_prompt(f"shots.{index}.prompt", shot.prompt, services)
    amended = services.store.amend(job.id, lambda spec: derive.patched(spec, patch))
    return job_object(amended, str(request.base_url), services)


@router.get("/{job_id}/events", response_class=EventSourceResponse, responses=documented(404, 422))
async def job_events(
    job: Owned,
    services: Using,
    request: Request,
    last_event_id: Annotated[str, Header(pattern=r"^\d{1,18}(-\d{1,18})?$")] = "0",
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events from the first on, or from `Last-Event-ID`; ends with the job."""
    allowed = partial(services.keys.valid, request.headers.get("authorization"))
    events = follow(request.app.state.redis_async, services, job.id, last_event_id, allowed=allowed)
    async for event in events:
        yield event
