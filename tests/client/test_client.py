"""The client against the real server, straight and through a proxy that answers badly."""

import base64
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.app.conftest import picture
from tests.client.conftest import FILM, QUICK, Work
from tests.client.moody import Mood, Moody, moody
from worker.client import ApiError, Client, Retry, Shot, TookTooLong, Unreachable
from worker.contract.job import JobState
from worker.contract.store import JobStore
from worker.local.ports import free_port


@pytest.fixture
def proxy(base_url: str) -> Iterator[Moody]:
    with moody(base_url) as proxy:
        yield proxy


@pytest.fixture
def shaky(proxy: Moody, redis: Redis) -> Iterator[Client]:
    with Client(proxy.url, retry=QUICK) as client:
        yield client


def test_every_field_goes_through(client: Client) -> None:
    shots = [Shot(prompt="a red ball", seconds=1), ("a blue ball", 2)]
    job = client.submit(
        "balls",
        shots=shots,
        seconds=3,
        size="256x256",
        model="mini",
        seed=7,
        priority=3,
        deadline_seconds=60,
        metadata={"who": "me"},
        webhook_url="http://127.0.0.1:9/hook",
        webhook_events=["video.completed"],
        image=None,
    )
    assert (job.status, job.seed, job.seconds, job.position) == ("queued", 7, 3.0, 1)
    assert [(shot.prompt, shot.seconds) for shot in job.shots] == [("a red ball", 1.0), ("a blue ball", 2.0)]
    assert job.metadata == {"who": "me"}
    assert client.job(job.id) == job


def test_an_image_is_a_file_bytes_or_a_url(client: Client, store: JobStore, tmp_path: Path) -> None:
    png = picture()
    path = tmp_path / "a.png"
    path.write_bytes(png)
    data_url = "data:image/png;base64," + base64.b64encode(png).decode()
    for image in (path, str(path), png, data_url):
        job = client.submit("pans left", image=image, shots=[("pans left", 1)], metadata={"a": "b"}, seed=1)
        assert store.get(job.id).spec.image_key is not None
        assert (job.metadata, job.seconds) == ({"a": "b"}, 1.0)
    with pytest.raises(ApiError) as refused:
        client.submit("pans left", image=b"no picture")
    assert (refused.value.code, refused.value.status, refused.value.param) == ("not_an_image", 422, "image")
    with pytest.raises(FileNotFoundError):
        client.submit("pans left", image=tmp_path / "none.png")


def test_errors_say_what_and_where(client: Client, keyed_url: str) -> None:
    with pytest.raises(ApiError) as refused:
        client.submit("a ball", seconds=-1)
    error = refused.value
    assert (error.code, error.status, error.param) == ("invalid_value", 422, "seconds")
    assert error.message in str(error)
    with pytest.raises(TypeError, match="colour"):
        client.submit("a ball", colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="job id"):
        client.delete("..")
    with Client(keyed_url, retry=QUICK) as stranger, pytest.raises(ApiError, match="missing_api_key"):
        stranger.job("video_1")
    with Client(keyed_url, "bob-secret", retry=QUICK) as bob, pytest.raises(ApiError, match="404 not_found"):
        bob.job("video_1")


def test_url_and_key_come_from_the_environment(
    keyed_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGIC141_URL", keyed_url)
    monkeypatch.setenv("MAGIC141_API_KEY", "alice-secret")
    with Client() as alice:
        assert alice.submit("a ball").status == "queued"
        assert len(list(alice.jobs())) == 1
    with Client(api_key="bob-secret") as bob:
        assert list(bob.jobs()) == []


def test_pages_of_jobs(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.client.flows.PAGE", 2)
    made = [client.submit("a ball", metadata={"n": str(n % 2)}).id for n in range(5)]
    client.cancel(made[0])
    assert [job.id for job in client.jobs()] == made[::-1]
    assert [job.id for job in client.jobs(limit=3)] == made[:1:-1]
    assert [job.id for job in client.jobs(metadata={"n": "1"})] == [made[3], made[1]]
    assert [job.id for job in client.jobs(status="canceled")] == [made[0]]
    assert list(client.jobs(limit=0)) == []


def test_a_lost_answer_makes_no_second_job(shaky: Client, proxy: Moody) -> None:
    proxy.moods = [Mood("POST /v1/videos", cut_after=-1), Mood("POST /v1/videos", status=503)]
    job = shaky.submit("a ball")
    assert [found.id for found in shaky.jobs()] == [job.id]
    keys = {headers["idempotency-key"] for line, headers in proxy.seen if line.startswith("POST")}
    assert len(keys) == 1
    assert shaky.submit("a ball").id != job.id


def test_a_given_idempotency_key_is_used(client: Client) -> None:
    job = client.submit("a ball", seed=1, idempotency_key="mine")
    assert client.submit("a ball", seed=1, idempotency_key="mine").id == job.id
    with pytest.raises(ApiError, match="409 idempotency_conflict"):
        client.submit("a ball", seed=2, idempotency_key="mine")


def test_a_delete_whose_answer_was_lost_is_done(shaky: Client, proxy: Moody) -> None:
    job = shaky.submit("a ball")
    proxy.moods = [Mood("DELETE", cut_after=-1)]
    shaky.delete(job.id)
    with pytest.raises(ApiError, match="not_found"):
        shaky.delete(job.id)


def test_retry_after_is_waited_out(shaky: Client, proxy: Moody) -> None:
    job = shaky.submit("a ball")
    proxy.moods = [Mood(f"GET /v1/jobs/{job.id}", status=429, headers={"retry-after": "1"})]
    began = time.monotonic()
    assert shaky.job(job.id).status == "queued"
    assert 1 <= time.monotonic() - began < 2
    proxy.moods = [Mood("GET", status=429, headers={"retry-after": "600"})]
    with pytest.raises(ApiError) as refused:
        shaky.job(job.id)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "http_error", 600)
    proxy.moods = [Mood("GET", status=503)] * QUICK.tries
    with pytest.raises(ApiError, match="503"):
        shaky.job(job.id)
    assert proxy.moods == []


def test_pauses_grow_up_to_a_cap_and_end() -> None:
    retry = Retry(tries=5, base_seconds=1, cap_seconds=3, patience_seconds=10)
    highest = [max(retry.pause(tries) or 0 for _ in range(300)) for tries in range(1, 5)]
    assert highest == pytest.approx([1, 2, 3, 3], rel=0.1)
    assert retry.pause(5) is None
    assert 4 <= (retry.pause(1, 4.0) or 0) <= 5
    assert retry.pause(1, 11.0) is None


def test_nobody_there() -> None:
    with (
        Client(f"http://127.0.0.1:{free_port()}", retry=Retry(tries=3, base_seconds=0.01)) as client,
        pytest.raises(Unreachable, match="ConnectError"),
    ):
        client.job("video_1")


def test_watch_goes_on_behind_the_last_event(shaky: Client, proxy: Moody, work: Work) -> None:
    job = shaky.submit("a ball", seconds=2)
    work(job.id)
    whole = list(shaky.watch(job.id))
    assert [event.type for event in whole] == ["queued", "started", "window", "window", "succeeded"]
    assert whole[2].data["windows_done"] == 1
    events = f"GET /v1/jobs/{job.id}/events"
    proxy.seen.clear()
    proxy.moods = [Mood(events, cut_after=n) for n in (-1, 30, 400, 200)] + [Mood(events, status=503)]
    assert list(shaky.watch(job.id)) == whole
    assert proxy.moods == []
    named = [headers.get("last-event-id") for line, headers in proxy.seen if line.startswith(events)]
    assert named[0] is None
    assert named[-1] in [event.id for event in whole]
    assert list(shaky.watch(job.id, after=whole[2].id)) == whole[3:]
    assert list(shaky.watch(job.id, after=whole[-1].id)) == []


def test_watch_tells_as_it_happens(client: Client, work: Work) -> None:
    job = client.submit("a ball", seconds=2)
    events = client.watch(job.id)
    assert next(events).type == "queued"
    worker = threading.Timer(0.2, work, [job.id])
    worker.start()
    assert [event.type for event in events][-1] == "succeeded"
    worker.join()


def test_watch_gives_up_on_a_stream_that_always_breaks(shaky: Client, proxy: Moody) -> None:
    job = shaky.submit("a ball")
    events = f"GET /v1/jobs/{job.id}/events"
    proxy.moods = [Mood(events, cut_after=0)] * 20
    with pytest.raises(Unreachable, match="break off"):
        list(shaky.watch(job.id))
    assert len(proxy.moods) == 20 - QUICK.tries


def test_watch_of_a_job_that_is_swept_ends_with_not_found(client: Client, store: JobStore) -> None:
    job = client.submit("a ball")
    events = client.watch(job.id)
    assert next(events).type == "queued"
    store.delete(job.id)
    with pytest.raises(ApiError, match="404 not_found"):
        list(events)


def test_wait(client: Client, work: Work) -> None:
    job = client.submit("a ball", seconds=2)
    began = time.monotonic()
    with pytest.raises(TookTooLong, match=r"queued after 0\.3 s"):
        client.wait(job.id, timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 1
    worker = threading.Timer(0.2, work, [job.id], {"end": JobState.FAILED})
    worker.start()
    ended = client.wait(job.id, timeout=20)
    worker.join()
    assert (ended.status, ended.over, job.over) == ("failed", True, False)


def test_cancel_twice(client: Client) -> None:
    job = client.submit("a ball")
    assert client.cancel(job.id).status == "canceled"
    again = client.cancel(job.id)
    assert again.error is not None
    assert again.error.code == "canceled"


def test_a_download_that_breaks_goes_on_where_it_was(
    shaky: Client, proxy: Moody, work: Work, tmp_path: Path
) -> None:
    job = shaky.submit("a ball", seconds=2)
    work(job.id)
    content = f"GET /v1/videos/{job.id}/content"
    proxy.moods = [Mood(content, cut_after=100_000), Mood(content, cut_after=-1), Mood(content, cut_after=9)]
    saved = shaky.download(job.id, tmp_path / "new" / "film.mp4")
    assert saved.read_bytes() == FILM
    assert [path.name for path in saved.parent.iterdir()] == ["film.mp4"]
    asked = [headers.get("range") for line, headers in proxy.seen if line.startswith(content)]
    assert asked == [None, "bytes=100000-", "bytes=100000-", "bytes=100009-"]


def test_a_download_given_up_is_gone_on_with_by_the_next(
    proxy: Moody, shaky: Client, work: Work, tmp_path: Path
) -> None:
    job = shaky.submit("a ball", seconds=2)
    work(job.id)
    content, out = f"GET /v1/videos/{job.id}/content", tmp_path / "film.mp4"
    out.write_bytes(b"old")
    with Client(proxy.url, retry=Retry(tries=1)) as impatient:
        proxy.moods = [Mood(content, cut_after=200_000)]
        with pytest.raises(Unreachable):
            impatient.download(job.id, out)
    assert out.read_bytes() == b"old", "never half a file under its name"
    proxy.seen.clear()
    assert shaky.download(job.id, out).read_bytes() == FILM
    assert [headers.get("range") for _, headers in proxy.seen] == [None, "bytes=200000-"]


def test_what_another_file_left_is_not_joined_with_this_one(
    client: Client, work: Work, tmp_path: Path
) -> None:
    job = client.submit("a ball", seconds=2)
    work(job.id)
    (tmp_path / ".film.mp4.0123456789ab.part").write_bytes(b"x" * 1000)
    assert client.download(job.id, tmp_path / "film.mp4").read_bytes() == FILM


def test_a_download_of_what_is_not_there(client: Client, work: Work, tmp_path: Path) -> None:
    job = client.submit("a ball", seconds=2)
    for variant in ("video", "thumbnail"):
        with pytest.raises(ApiError, match="409 not_ready"):
            client.download(job.id, tmp_path / "film.mp4", variant=variant)
    with pytest.raises(ApiError, match="422 invalid_value"):
        client.download(job.id, tmp_path / "film.mp4", variant="sound")
    assert list(tmp_path.iterdir()) == []
