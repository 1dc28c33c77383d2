"""From a checked spec to an accepted job and the answer that says so."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from app.request_id import about_job
from app.room import require_room
from app.services import Services
from app.views import poll_after_ms, video_object
from worker.contract.job import Job, JobSpec, Segment
from worker.contract.models import windows_total
from worker.contract.tracing import carried

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]


def accept(
    spec: JobSpec,
    services: Services,
    *,
    idempotency: tuple[str, str] | None,
    shared: Sequence[Segment] = (),
) -> Response:
    """`Location` is the job's record; from this answer on it is not lost. Raises as JobStore.create
    and `require_room` do."""
    require_room(spec, services)
    job = services.store.create(
        spec,
        windows_total=windows_total(spec.num_frames, spec.model),
        idempotency=idempotency,
        shared=shared,
        trace=carried(),
    )
    about_job(job.id)
    return answer(job, services, status=202, headers={"Location": f"/v1/jobs/{job.id}"})


def answer(job: Job, services: Services, *, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    """The job as a video, with a word on when to ask again."""
    told = {**headers, "openai-poll-after-ms": str(poll_after_ms(job, services))}
    return json_response(video_object(job, services), status=status, headers=told)


def json_response(
    model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """What FastAPI would make of the model. It would check it a second time, in another thread."""
    return Response(model.model_dump_json(), status, headers, media_type="application/json")
