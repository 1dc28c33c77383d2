"""From a checked spec to an accepted job and the answer that says so."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header, Response

from app.request_id import about_job
from app.room import require_room
from app.schemas import VideoObject
from app.services import Services
from app.views import poll_after_ms, video_object
from worker.contract.job import Job, JobSpec, Segment
from worker.contract.models import windows_total
from worker.contract.tracing import carried

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]


def accept(
    spec: JobSpec,
    services: Services,
    response: Response,
    *,
    idempotency: tuple[str, str] | None,
    shared: Sequence[Segment] = (),
) -> VideoObject:
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
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return answer(job, services, response)


def answer(job: Job, services: Services, response: Response) -> VideoObject:
    """The job as a video, with a word on when to ask again."""
    response.headers["openai-poll-after-ms"] = str(poll_after_ms(job, services))
    return video_object(job, services)
