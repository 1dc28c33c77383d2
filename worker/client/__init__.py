"""The service's client: `Client`, and `AsyncClient` with the same methods. Knows the HTTP API alone."""

from worker.client.aio import AsyncClient
from worker.client.errors import ApiError, ClientError, TookTooLong, Unreachable
from worker.client.event import Event
from worker.client.job import Job, JobError, Segment, Shot
from worker.client.retry import Retry
from worker.client.sync import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "Event",
    "Job",
    "JobError",
    "Retry",
    "Segment",
    "Shot",
    "TookTooLong",
    "Unreachable",
]
