"""AsyncClient does the same as Client, and many things at once."""

import asyncio
import inspect
from pathlib import Path

import pytest
from redis import Redis

from tests.client.conftest import FILM, QUICK, Work
from tests.client.moody import Mood, moody
from worker.client import ApiError, AsyncClient, Client, TookTooLong


def test_the_same_methods_with_the_same_arguments() -> None:
    def face(kind: type) -> dict[str, list[str]]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(m).parameters) for name, m in members if name[0] != "_"}

    assert face(Client) == face(AsyncClient)
    assert list(inspect.signature(Client).parameters) == list(inspect.signature(AsyncClient).parameters)


def test_a_job_from_submit_to_delete(base_url: str, redis: Redis, work: Work, tmp_path: Path) -> None:
    async def run(url: str, moods: list[Mood]) -> None:
        async with AsyncClient(url, retry=QUICK) as client:
            job = await client.submit("a ball", seconds=2)
            moods += [
                Mood(f"GET /v1/videos/{job.id}/content", cut_after=70_000),
                Mood(f"GET /v1/jobs/{job.id}/events", cut_after=200),
            ]
            with pytest.raises(TookTooLong):
                await client.wait(job.id, timeout=0.1)
            waiting = asyncio.create_task(client.wait(job.id, timeout=20))
            await asyncio.to_thread(work, job.id)
            types = [event.type async for event in client.watch(job.id)]
            assert types == ["queued", "started", "window", "window", "succeeded"]
            assert (await waiting).status == "succeeded"
            saved = await client.download(job.id, tmp_path / "film.mp4")
            assert saved.read_bytes() == FILM
            assert [found.id async for found in client.jobs(status="succeeded")] == [job.id]
            assert (await client.cancel(job.id)).status == "succeeded"
            await client.delete(job.id)
            with pytest.raises(ApiError, match="not_found"):
                await client.job(job.id)
            assert moods == []

    with moody(base_url) as proxy:
        asyncio.run(run(proxy.url, proxy.moods))


def test_many_jobs_are_watched_in_one_loop(base_url: str, redis: Redis, work: Work) -> None:
    async def run() -> None:
        async with AsyncClient(base_url, retry=QUICK) as client:
            jobs = await asyncio.gather(*(client.submit("a ball", seconds=2) for _ in range(10)))

            async def last(job_id: str) -> str:
                return [event.type async for event in client.watch(job_id)][-1]

            watching = asyncio.gather(*(last(job.id) for job in jobs))
            await asyncio.to_thread(lambda: [work(job.id) for job in jobs])
            assert await asyncio.wait_for(watching, 20) == ["succeeded"] * 10

    asyncio.run(run())
