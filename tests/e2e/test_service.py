"""The promise as a caller sees it: real HTTP, Redis, S3, worker processes and the bundled weights."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image
from standardwebhooks import Webhook

from model.evaluate.films import photographs
from model.measure import psnr
from tests.service import running

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROMPT = "a red circle on a blue background, the camera pans left"
FPS = 24


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    env = {"MAGIC141_WEBHOOK_SECRET": SECRET, "MAGIC141_WEBHOOK_ALLOW_PRIVATE": "1"}
    with (
        running(tmp_path_factory.mktemp("service"), **env) as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def post(http: httpx.Client, **body: object) -> str:
    answer = http.post("/v1/videos", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def finished(http: httpx.Client, job_id: str, seconds: float = 300) -> dict:
    deadline = time.monotonic() + seconds
    while (job := http.get(f"/v1/jobs/{job_id}").json())["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    assert job["status"] == "succeeded", job["error"]
    return job


def decode(data: bytes) -> tuple[np.ndarray, list[float]]:
    """Frames [N, H, W, 3] and their times in seconds."""
    with av.open(io.BytesIO(data)) as video:
        decoded = list(video.decode(video=0))
    return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded]), [f.time for f in decoded]


def video(http: httpx.Client, job_id: str) -> tuple[np.ndarray, list[float]]:
    answer = http.get(f"/v1/videos/{job_id}/content")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    return decode(answer.content)


@dataclass(frozen=True)
class Playlist:
    text: str
    init: str
    segments: list[str]

    @classmethod
    def get(cls, http: httpx.Client, url: str) -> "Playlist":
        text = http.get(url).raise_for_status().text
        lines = text.splitlines()
        init = next(line for line in lines if line.startswith("#EXT-X-MAP")).split('"')[1]
        return cls(text, init, [line for line in lines if line and not line.startswith("#")])

    def play(self) -> bytes:
        return b"".join(httpx.get(url).raise_for_status().content for url in (self.init, *self.segments))


def test_a_text_only_job_plays_while_it_is_made(http: httpx.Client) -> None:
    job_id = post(http, prompt=PROMPT, seconds=8, seed=5)
    while not (job := http.get(f"/v1/jobs/{job_id}").json())["segments"]:
        assert job["status"] in ("queued", "running"), job
        time.sleep(0.1)
    live = Playlist.get(http, job["playlist_url"])
    early, _ = decode(live.play())
    job = http.get(f"/v1/jobs/{job_id}").json()
    assert job["status"] == "running", "the playlist was read while the job ran"
    assert 0 < job["progress"] < 1
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in live.text
    assert "#EXT-X-ENDLIST" not in live.text
    assert len(early) >= 25

    job = finished(http, job_id)
    assert job["windows_done"] == job["windows_total"] == 8
    assert httpx.get(job["image_url"]).headers["content-type"] == "image/png"
    over = Playlist.get(http, job["playlist_url"])
    assert over.text.endswith("#EXT-X-ENDLIST\n")
    assert [url.split("?")[0] for url in over.segments[: len(live.segments)]] == [
        url.split("?")[0] for url in live.segments
    ]
    frames, times = video(http, job_id)
    assert len(frames) == 8 * FPS
    assert np.allclose(np.diff(times), 1 / FPS, atol=1e-6), "no gap and no repeat"
    assert times[0] == 0
    streamed, _ = decode(over.play())
    assert np.array_equal(frames, streamed), "the file holds the frames that were streamed"
    assert np.array_equal(frames[: len(early)], early)
    thumbnail = http.get(job["thumbnail_url"])
    assert thumbnail.headers["content-type"] == "image/jpeg"


def test_a_seed_repeats_and_another_seed_prompt_or_picture_differs(http: httpx.Client) -> None:
    def frames(**body: object) -> np.ndarray:
        job_id = post(http, **{"prompt": PROMPT, "seconds": 1.5, "seed": 7, **body})
        finished(http, job_id)
        return video(http, job_id)[0]

    base = frames()
    assert base.shape == (36, 256, 256, 3)
    assert np.array_equal(base, frames())
    assert not np.array_equal(base, frames(seed=8))
    assert not np.array_equal(base, frames(prompt="a green star on a white background, the camera zooms in"))
    assert not np.array_equal(base, frames(image=data_url(photographs()["coffee"])))


@pytest.mark.parametrize("name", ["china", "flower", "astronaut", "chelsea", "coffee"])
def test_a_photograph_is_the_first_frame(http: httpx.Client, name: str) -> None:
    photo = photographs()[name]
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    answer = http.post(
        "/v1/videos",
        data={"prompt": "the camera pans right", "seconds": "1", "seed": "1"},
        files={"image": (f"{name}.png", buffer.getvalue(), "image/png")},
    )
    assert answer.status_code == 202, answer.text
    finished(http, answer.json()["id"])
    frames, _ = video(http, answer.json()["id"])
    assert psnr(frames[0], photo) >= 27


def test_a_cancelled_job_stays_playable(http: httpx.Client) -> None:
    job_id = post(http, prompt=PROMPT, seconds=60)
    while http.get(f"/v1/jobs/{job_id}").json()["windows_done"] < 1:
        time.sleep(0.1)
    for _ in range(2):
        assert http.post(f"/v1/jobs/{job_id}/cancel").status_code < 300
    deadline = time.monotonic() + 60
    while (job := http.get(f"/v1/jobs/{job_id}").json())["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert job["status"] == "canceled"
    assert job["windows_done"] < job["windows_total"]
    part = Playlist.get(http, job["playlist_url"])
    assert part.text.endswith("#EXT-X-ENDLIST\n")
    frames, _ = decode(part.play())
    assert len(frames) == 1 + 24 * job["windows_done"]


@contextmanager
def receiver(failures: int) -> Iterator[tuple[str, list[tuple[dict, bytes]]]]:
    """Answers 500 the first `failures` times; yields its URL and all it got."""
    got: list[tuple[dict, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["content-length"]))
            got.append((dict(self.headers.items()), payload))
            self.send_response(500 if len(got) <= failures else 204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        server.server_close()


def test_a_webhook_arrives_signed_in_spite_of_a_failing_receiver(http: httpx.Client) -> None:
    with receiver(failures=2) as (url, got):
        job_id = post(http, prompt=PROMPT, seconds=1, webhook_url=url)
        finished(http, job_id)
        deadline = time.monotonic() + 60
        while len(got) < 3:
            assert time.monotonic() < deadline, got
            time.sleep(0.1)
    assert len({headers["webhook-id"] for headers, _ in got}) == 1
    headers, payload = got[-1]
    message = Webhook(SECRET).verify(payload, headers)  # raises where the signature is not ours
    assert message["type"] == "video.completed"
    assert message["data"]["id"] == job_id
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(payload.replace(b"completed", b"failed"), headers)


def data_url(picture: np.ndarray) -> str:
    import base64

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def test_no_answer_holds_a_path_of_the_server(
    http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = str(Path(tmp_path_factory.getbasetemp()))
    for path in ("/v1/jobs", "/v1/videos", "/v1/models", "/health/ready", "/v1/jobs/none"):
        assert base not in http.get(path).text
