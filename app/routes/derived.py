"""Videos made from videos: remix, edit and extension in OpenAI's shape, and a fork from any window."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app import derive, examples, parse
from app.accept import IdempotencyKey, accept
from app.body import Body, read_body
from app.derive import Derived
from app.errors import documented
from app.objects import VideoObject
from app.openapi import request_body
from app.requests import EditRequest, ExtensionRequest, ForkRequest, JobOptions, RemixRequest
from app.routes.videos import Owned, owned
from app.services import Owner, Services, Using

router = APIRouter(prefix="/v1", responses=documented(401, 503))
ERRORS = documented(400, 404, 409, 413, 415, 422, 429, 503)
Read = Annotated[Body, Depends(read_body)]


class Asking:
    """What the four routes have in common: an answer to a derived job, once under one idempotency key."""

    def __init__(
        self,
        request: Request,
        services: Using,
        body: Read,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        self.services: Services = services
        self.body = body
        self._path, self._key = request.url.path, idempotency_key

    def answer(self, asked: JobOptions, derived: Derived) -> Response:
        spec, shared = derived
        once = parse.idempotency(self._key, asked, self.body, self._path)
        return accept(spec, self.services, idempotency=once, shared=shared)


Ask = Annotated[Asking, Depends()]


@router.post(
    "/videos/{job_id}/remix",
    status_code=202,
    response_model=VideoObject,
    tags=["videos"],
    responses=ERRORS,
    openapi_extra=request_body(RemixRequest, example=examples.REMIX),
)
def remix_video(job: Owned, ask: Ask) -> Response:
    """A new job with another prompt; size, length, seed and given picture stay."""
    asked = parse.parse(ask.body, RemixRequest)
    return ask.answer(asked, derive.remix(job, asked.prompt, asked, ask.services))


@router.post(
    "/videos/edits",
    status_code=202,
    response_model=VideoObject,
    tags=["videos"],
    responses=ERRORS,
    openapi_extra=request_body(EditRequest, example=examples.EDIT),
)
def edit_video(owner: Owner, ask: Ask) -> Response:
    """The same as remix; only videos of this server can be edited."""
    asked = parse.parse(ask.body, EditRequest)
    job = owned(asked.video.id, owner, ask.services)
    return ask.answer(asked, derive.remix(job, asked.prompt, asked, ask.services))


@router.post(
    "/videos/extensions",
    status_code=202,
    response_model=VideoObject,
    tags=["videos"],
    responses=ERRORS,
    openapi_extra=request_body(ExtensionRequest, example=examples.EXTENSION),
)
def extend_video(owner: Owner, ask: Ask) -> Response:
    """A new job that is the completed video and `seconds` more; what is finished is not rendered again."""
    asked = parse.parse(ask.body, ExtensionRequest)
    job = owned(asked.video.id, owner, ask.services)
    return ask.answer(asked, derive.extension(job, asked, ask.services))


@router.post(
    "/jobs/{job_id}/fork",
    status_code=202,
    response_model=VideoObject,
    tags=["jobs"],
    responses=ERRORS,
    openapi_extra=request_body(ForkRequest, example=examples.FORK),
)
def fork_job(job: Owned, ask: Ask) -> Response:
    """A new job that shares this one's windows before `window` and goes its own way from there."""
    asked = parse.parse(ask.body, ForkRequest)
    return ask.answer(asked, derive.fork(job, asked, ask.services))
