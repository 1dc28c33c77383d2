"""/health: whether the process lives, and whether a job posted now would be rendered."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from app.services import Using
from worker.contract.errors import Magic141Error

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready", responses={503: {"description": "Not ready; `reasons` says why"}})
def ready(services: Using) -> JSONResponse:
    """Ready: Redis and S3 answer, and at least one worker holds a model warm."""
    reasons: list[str] = []
    warm: dict[str, Any] = {}
    try:
        warm = {name: info["model"] for name, info in services.store.workers().items() if info.get("model")}
        if not warm:
            reasons.append("no worker has a model loaded")
    except RedisError:
        reasons.append("redis does not answer")
    try:
        services.storage.ping()
    except Magic141Error as error:
        reasons.append(error.message)
    body = {"status": "unready" if reasons else "ready", "reasons": reasons, "workers": warm}
    return JSONResponse(body, 503 if reasons else 200)
