"""What requests and answers look like, for the OpenAPI document; a test sends these and checks those."""

from typing import Any

VIDEO_ID = "video_18ead167fcae3c5fc1b0dd6a582bf4fc"
_DATA_URL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGM8IWfD"
    "wMDAxMDAwMDAAAAOTgEmR2hJIgAAAABJRU5ErkJggg=="
)


def _signed(name: str) -> str:
    return f"http://127.0.0.1:9000/magic141/videos/{VIDEO_ID}/{name}?X-Amz-Expires=3600&X-Amz-Signature=9f2c"


_HOOK = {
    "prompt": "a yellow triangle on a spotted background, the triangle orbits",
    "seconds": "4",
    "webhook_url": "https://example.com/hooks/videos",
    "webhook_events": ["video.completed", "video.failed"],
    "priority": 2,
    "deadline_seconds": 600,
    "metadata": {"album": "triangles"},
}
VIDEO_REQUESTS: dict[str, Any] = {
    "text": {
        "summary": "From a prompt",
        "value": {
            "prompt": "a red circle on a blue background, the camera pans left",
            "seconds": 4,
            "seed": 7,
        },
    },
    "image": {
        "summary": "From a picture, as a URL or a data URL",
        "value": {"prompt": "the camera zooms in", "seconds": 2, "image": _DATA_URL},
    },
    "shots": {
        "summary": "Several prompts in turn",
        "value": {
            "shots": [
                {"prompt": "a green star, the camera pans up", "seconds": 2},
                {"prompt": "a green star, the camera is still", "seconds": 2},
            ]
        },
    },
    "webhook": {"summary": "With a webhook, a deadline and metadata", "value": _HOOK},
}
REMIX = {"prompt": "a blue circle on a red background"}
EDIT = {"prompt": "a blue circle on a red background", "video": {"id": VIDEO_ID}}
EXTENSION = {"prompt": "the camera zooms in", "seconds": "4", "video": {"id": VIDEO_ID}}
FORK = {"window": 2, "prompt": "the camera zooms out", "seed": 8}
PATCH = {"shots": [{"index": 1, "prompt": "a green star, the camera zooms in"}], "priority": 5}

_VIDEO = {
    "id": VIDEO_ID,
    "object": "video",
    "model": "mini",
    "status": "queued",
    "progress": 0,
    "created_at": 1795518543,
    "completed_at": None,
    "expires_at": None,
    "prompt": "a red circle on a blue background, the camera pans left",
    "size": "256x256",
    "seconds": "4",
    "remixed_from_video_id": None,
    "error": None,
}
_JOB = {
    "id": VIDEO_ID,
    "object": "job",
    "status": "running",
    "progress": 0.25,
    "windows_done": 1,
    "windows_total": 4,
    "windows_redone": 0,
    "worker": "worker-0",
    "attempts": 1,
    "position": None,
    "eta_seconds": 1.71,
    "eta_error_seconds": 0.07,
    "segments": [
        {
            "index": 0,
            "start_seconds": 0.0,
            "duration_seconds": 1.041667,
            "url": _signed("00000.m4s"),
        }
    ],
    "playlist_url": f"http://127.0.0.1:8000/v1/videos/{VIDEO_ID}/playlist.m3u8",
    "video_url": None,
    "image_url": _signed("image.png"),
    "thumbnail_url": None,
    "timings": {"text_to_image": 0.07, "denoise": 0.42, "total": 0.61},
    "seed": 7,
    "error": None,
    "cancel_requested": False,
    "created_at": 1795518543.21,
    "started_at": 1795518543.3,
    "finished_at": None,
    "expires_at": None,
    "prompt": "a red circle on a blue background, the camera pans left",
    "model": "mini",
    "size": "256x256",
    "seconds": 4.0,
    "shots": [{"prompt": "a red circle on a blue background, the camera pans left", "seconds": 4.0}],
    "metadata": {},
    "origin": None,
}
_LETTER_ID = f"msg_{VIDEO_ID.removeprefix('video_')}_completed"
_PAGE = {"object": "list", "first_id": VIDEO_ID, "last_id": VIDEO_ID, "has_more": False}
ANSWERS: dict[str, dict[str, Any]] = {
    "VideoObject": _VIDEO,
    "VideoList": {**_PAGE, "data": [_VIDEO]},
    "VideoDeleted": {"id": VIDEO_ID, "deleted": True, "object": "video.deleted"},
    "JobObject": _JOB,
    "JobList": {**_PAGE, "data": [_JOB]},
    "EstimateObject": {
        "object": "estimate",
        "model": "mini",
        "seconds": 4.0,
        "num_frames": 96,
        "windows_total": 4,
        "position": 1,
        "cost_window_seconds": 1.8,
        "eta_seconds": 1.9,
        "eta_error_seconds": 0.1,
        "ready": True,
    },
    "DeadLetterList": {
        "object": "list",
        "data": [
            {
                "id": _LETTER_ID,
                "object": "webhook.dead_letter",
                "job_id": VIDEO_ID,
                "type": "video.completed",
                "url": "https://example.com/hooks/videos",
                "attempts": 8,
                "reason": "DeliveryFailed: the receiver answered 500",
                "created_at": 1795518546.02,
            }
        ],
        "has_more": False,
    },
    "Redelivery": {"id": _LETTER_ID, "object": "webhook.redelivery", "status": "pending"},
    "ModelList": {
        "object": "list",
        "data": [
            {
                "id": "mini",
                "object": "model",
                "description": "The Magic141 geometry, small, for CPUs.",
                "licence": "Apache-2.0",
                "sizes": ["256x256"],
                "fps": 24,
                "min_seconds": 0.5,
                "max_seconds": 120.0,
                "max_shots": 16,
                "guidance": False,
                "steps": 4,
                "repository": None,
                "min_memory_gib": 0.1,
                "default": True,
                "accepted": True,
                "ready": True,
            }
        ],
    },
    "Readiness": {"status": "ready", "reasons": [], "workers": {"worker-0": "mini"}},
}
"""By the name of the schema."""
ERRORS: dict[int, dict[str, Any]] = {
    400: {
        "code": "malformed_body",
        "message": "the body is not JSON: Expecting value: line 1 column 1 (char 0)",
    },
    401: {"code": "missing_api_key", "message": "send an API key: Authorization: Bearer <key>"},
    404: {"code": "not_found", "message": f"there is no job {VIDEO_ID}"},
    409: {"code": "not_ready", "message": "the video is not ready, the job is running"},
    413: {"code": "body_too_large", "message": "the body is larger than 29010602 bytes"},
    415: {"code": "unsupported_media_type", "message": "send application/json or multipart/form-data"},
    422: {
        "code": "invalid_value",
        "message": "seconds: must be from 0.5 to 120, not 500",
        "param": "seconds",
    },
    429: {"code": "queue_full", "message": "1000 jobs are waiting already"},
    503: {"code": "storage_unavailable", "message": "storage does not answer: EndpointConnectionError"},
}
"""By status; docs/errors.md has all codes."""
