"""What a request needs of the process: built once at start, handed to routes by FastAPI's Depends."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from redis import Redis

from app.auth import ApiKeys
from worker.contract.access import Access
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore


@dataclass(frozen=True)
class Services:
    settings: Settings
    redis: Redis
    store: JobStore
    storage: Storage
    keys: ApiKeys


def build(settings: Settings) -> Services:
    redis = connect(settings, patient=False)
    keys = ApiKeys(settings.api_keys, Access(redis))
    return Services(settings, redis, JobStore(redis, settings), Storage(settings), keys)


# Async, as a plain dependency costs a change of threads.
async def _services(request: Request) -> Services:
    return request.app.state.services


Using = Annotated[Services, Depends(_services)]


async def _owner(request: Request) -> str:
    keys: ApiKeys = request.app.state.services.keys
    header = request.headers.get("authorization")
    known = keys.known(header)
    return await run_in_threadpool(keys.owner, header) if known is None else known


Owner = Annotated[str, Depends(_owner)]
"""Who asks: the id of the API key, or "anonymous" on a server without keys."""
