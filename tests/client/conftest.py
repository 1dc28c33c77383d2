"""The real app on a real socket, and the worker's part played through the real job store."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.app.conftest import api_settings, base_url, keyed_url
from tests.contract.specs import segment
from worker.client import Client, Retry
from worker.contract import keys
from worker.contract.job import JobState
from worker.contract.storage import Storage
from worker.contract.store import JobStore

__all__ = ["api_settings", "base_url", "keyed_url"]
FILM = bytes(range(256)) * 1200
QUICK = Retry(tries=6, base_seconds=0.02, cap_seconds=0.1, patience_seconds=5.0)


@pytest.fixture
def client(base_url: str, redis: Redis) -> Iterator[Client]:
    with Client(base_url, retry=QUICK) as client:
        yield client


Work = Callable[..., int]


@pytest.fixture
def work(store: JobStore, storage: Storage) -> Work:
    """`work(job_id, windows)` renders windows; with `end` the job ends in that state, a film being there."""

    def work(job_id: str, windows: int = 2, *, end: JobState | None = JobState.SUCCEEDED) -> int:
        token = store.take(job_id, "worker-0")
        assert token is not None
        for index in range(windows):
            store.commit_window(job_id, token, segment(job_id, index), timings={})
        if end is not None:
            artifacts = {}
            if end is JobState.SUCCEEDED:
                storage.put(keys.video(job_id), FILM, "video/mp4")
                artifacts = {"video_key": keys.video(job_id)}
            store.finish(job_id, token, end, artifacts=artifacts)
        return token

    return work
