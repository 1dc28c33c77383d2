"""From a job's record to what clients see. No storage key and no path leaves here unsigned."""

from dataclasses import asdict

from app.objects import (
    ErrorObject,
    EstimateObject,
    JobObject,
    OriginObject,
    SegmentObject,
    VideoObject,
    VideoStatus,
)
from app.requests import ShotRequest
from app.services import Services
from worker.contract.job import Job, JobSpec, JobState
from worker.contract.models import windows_total

VIDEO_STATUS: dict[JobState, VideoStatus] = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "in_progress",
    JobState.SUCCEEDED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELED: "failed",
}
POLL_MS = (250, 5000)


def progress(job: Job) -> float:
    """0 to 1. The finished windows; 1 only once the job succeeded, as the MP4 comes after the last window."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    return min(0.99, round(job.windows_done / job.windows_total, 4))


def expires_at(job: Job, services: Services) -> float | None:
    """When the sweep deletes it (Unix seconds); None while it lives, or when nothing expires."""
    kept_seconds = services.settings.retention_seconds
    return None if job.finished_at is None or kept_seconds is None else job.finished_at + kept_seconds


def video_object(job: Job, services: Services) -> VideoObject:
    succeeded = job.state is JobState.SUCCEEDED
    expires, origin = expires_at(job, services), job.spec.origin
    return VideoObject(
        id=job.id,
        model=job.spec.model,
        status=VIDEO_STATUS[job.state],
        progress=int(progress(job) * 100),
        created_at=int(job.created_at),
        completed_at=int(job.finished_at) if succeeded and job.finished_at else None,
        expires_at=None if expires is None else int(expires),
        prompt=job.spec.prompt,
        size=job.spec.size,
        seconds=f"{job.spec.seconds:g}",
        remixed_from_video_id=origin.job_id if origin and origin.kind == "remix" else None,
        error=_error(job),
    )


def poll_after_ms(job: Job, services: Services) -> int:
    """When it is worth asking again: a quarter of what is left, within bounds."""
    eta = services.store.eta(job)
    if eta is None:
        return 1000
    return int(min(max(eta.seconds * 250, POLL_MS[0]), POLL_MS[1]))


def estimate_object(spec: JobSpec, services: Services) -> EstimateObject:
    windows = windows_total(spec.num_frames, spec.model)
    backlog = services.store.backlog(spec.model, fresh=True)
    position, window = len(backlog.waiting) + 1, backlog.window  # behind all others of its model
    eta = backlog.eta(windows, position)
    return EstimateObject(
        model=spec.model,
        seconds=spec.seconds,
        num_frames=spec.num_frames,
        windows_total=windows,
        position=position,
        cost_window_seconds=None if window is None else round(window.times(windows).seconds, 2),
        eta_seconds=None if eta is None else round(eta.seconds, 2),
        eta_error_seconds=None if eta is None else round(eta.error, 2),
        ready=backlog.workers > 0,
    )


def job_object(job: Job, base_url: str, services: Services) -> JobObject:
    """`base_url` is this server's address as the client reached it, with the slash at its end."""
    store, storage, fps = services.store, services.storage, job.spec.fps
    eta = store.eta(job)
    content_url = f"{base_url}v1/videos/{job.id}/content"
    return JobObject(
        id=job.id,
        status=job.state,
        progress=progress(job),
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        windows_redone=job.windows_redone,
        worker=job.worker,
        attempts=job.attempts,
        position=job.position,
        eta_seconds=None if eta is None else round(eta.seconds, 2),
        eta_error_seconds=None if eta is None else round(eta.error, 2),
        segments=[
            SegmentObject(
                index=segment.index,
                start_seconds=round(segment.start_frame / fps, 6),
                duration_seconds=round(segment.num_frames / fps, 6),
                url=storage.signed_url(segment.key),
            )
            for segment in job.segments
        ],
        playlist_url=f"{base_url}v1/videos/{job.id}/playlist.m3u8" if job.segments else None,
        video_url=content_url if job.video_key else None,
        image_url=storage.signed_url(job.image_key) if job.image_key else None,
        thumbnail_url=f"{content_url}?variant=thumbnail" if job.thumbnail_key else None,
        timings=job.timings,
        seed=job.spec.seed,
        error=_error(job),
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=expires_at(job, services),
        prompt=job.spec.prompt,
        model=job.spec.model,
        size=job.spec.size,
        seconds=job.spec.seconds,
        shots=[ShotRequest(prompt=shot.prompt, seconds=shot.seconds) for shot in job.spec.shots],
        metadata=job.spec.metadata,
        origin=OriginObject(**asdict(job.spec.origin)) if job.spec.origin else None,
    )


def _error(job: Job) -> ErrorObject | None:
    return ErrorObject(code=job.error.code, message=job.error.message) if job.error else None
