"""The API's app, for `uvicorn --factory app.main:create_app`; app.serve runs it with the right limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis as AsyncRedis

from app import document, errors
from app.metrics import HttpMetrics, StoreCollector
from app.request_id import RequestId
from app.routes import derived, health, jobs, metrics, models, page, videos, webhooks
from app.services import build
from app.watch import Watch
from worker.contract import tracing
from worker.contract.settings import Settings

# FastAPI's own span of each request of the API proper. What else it offers is in /metrics and in the log.
TRACED: TelemetryConfig = {
    "exclude": lambda scope: not scope["path"].startswith("/v1/"),
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
MAX_STREAMS = 10_000
"""Each open event stream waits on a connection of its own; the client's own limit is 100."""
DESCRIPTION = """Text or an image in, video out, playable while it is being made.

`POST /v1/videos` answers at once with a job's id; `GET /v1/jobs/{id}` tells how far it is, and
`GET /v1/videos/{id}/playlist.m3u8` plays what is finished. Every error is
`{"error": {"message", "type", "param", "code"}}`.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Without settings the environment is read, here and nowhere else in the API."""
    settings = settings or Settings.load()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = build(settings)
        app.state.registry.register(StoreCollector(app.state.services.store))
        app.state.redis_async = AsyncRedis.from_url(settings.redis_url, max_connections=MAX_STREAMS)
        yield
        await app.state.redis_async.aclose()
        app.state.services.redis.close()
        await run_in_threadpool(tracing.flush)

    app = FastAPI(
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=document.operation_id,
        telemetry=TRACED,
        **document.ABOUT,
    )
    app.state.registry = CollectorRegistry()
    errors.install(app)
    # A player page may live anywhere; what it may do without a key is read.
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=["*"])
    app.add_middleware(Watch, metrics=HttpMetrics(app.state.registry))
    app.add_middleware(RequestId)
    # The routes that are asked most come first: each one before them is tried, for every request.
    for module in (jobs, videos, derived, webhooks, models, health, metrics, page):
        app.include_router(module.router)
    document.complete(app)
    return app


def _version() -> str:
    try:
        return version("magic141")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"
