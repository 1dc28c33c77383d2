"""Live HLS in a real Chromium, from a page of another origin: by hls.js alone."""

import io
from collections.abc import Iterator

import av
import httpx
import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser import Complaints, playing, until
from tests.players import HLS_JS, Elsewhere
from tests.service import running

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
FPS = 24
SIGNED_SECONDS = 12
PROMPT = "a red circle on a blue background, the camera pans left"
FRAME_AT = """async (seconds) => {
  const video = document.querySelector("video");
  video.pause();
  const presented = new Promise((resolve) =>
    video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)));
  video.currentTime = seconds;
  const at = await presented;
  const canvas = new OffscreenCanvas(64, 64).getContext("2d");
  canvas.drawImage(video, 0, 0, 64, 64);
  return [at, Array.from(canvas.getImageData(0, 0, 64, 64).data)];
}"""
"""The time of the frame shown at `seconds`, and its pixels, RGBA."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    env = {"MAGIC141_SIGNED_URL_SECONDS": str(SIGNED_SECONDS)}
    with running(tmp_path_factory.mktemp("playback"), **env) as (_, url):
        yield url


def post(url: str, seconds: float) -> str:
    answer = httpx.post(f"{url}/v1/videos", json={"prompt": PROMPT, "seconds": seconds, "seed": 1})
    return answer.raise_for_status().json()["id"]


def record(url: str, job: str) -> dict:
    return httpx.get(f"{url}/v1/jobs/{job}").json()


def open_player(page: Page, elsewhere: Elsewhere, url: str, job: str) -> None:
    page.goto(elsewhere.page(HLS_JS, f"{url}/v1/videos/{job}/playlist.m3u8"))


def test_it_plays_elsewhere_while_it_is_being_made(page: Page, elsewhere: Elsewhere, url: str) -> None:
    job = post(url, 20)
    while not record(url, job)["segments"]:
        page.wait_for_timeout(100)
    complaints = Complaints(page)
    open_player(page, elsewhere, url, job)
    seen = []
    while record(url, job)["status"] == "running":
        seen.append(playing(page))
        page.wait_for_timeout(200)
    seen = [sample for sample in seen if sample["ranges"]]
    at = [sample["at"] for sample in seen]
    buffered = [sample["ranges"][-1][1] for sample in seen]
    assert at == sorted(at)
    assert at[-1] > 1.5
    assert buffered == sorted(buffered)
    assert len(set(buffered)) >= 3
    until(page, "document.querySelector('video').ended")
    ended = playing(page)
    assert ended["at"] == ended["duration"] == pytest.approx(20, abs=0.01)
    assert ended["error"] is None
    assert complaints == []


def test_no_seam_can_be_measured(page: Page, elsewhere: Elsewhere, url: str) -> None:
    """Around every seam the browser shows the file's frames, at its own time."""
    job = post(url, 5)
    open_when_finished(page, elsewhere, url, job)
    until(
        page,
        "document.querySelector('video').buffered.length && document.querySelector('video').duration > 4.9",
    )
    until(
        page,
        "(({buffered, duration}) => buffered.end(0) >= duration - 0.001)(document.querySelector('video'))",
    )
    assert len(playing(page)["ranges"]) == 1
    with av.open(io.BytesIO(httpx.get(f"{url}/v1/videos/{job}/content").content)) as file:
        frames = [frame.reformat(64, 64, "rgb24").to_ndarray() for frame in file.decode(video=0)]
    seams = [round(segment["start_seconds"] * FPS) for segment in record(url, job)["segments"]][1:]
    assert len(seams) >= 4
    for index in [seam + step for seam in seams for step in (-2, -1, 0, 1)]:
        at, pixels = page.evaluate(FRAME_AT, (index + 0.5) / FPS)
        assert at == pytest.approx(index / FPS, abs=0.001), index
        shown = np.array(pixels, np.uint8).reshape(64, 64, 4)[..., :3].astype(float)
        apart = {
            near: np.abs(shown - frames[near]).mean()
            for near in range(index - 2, index + 3)
            if near < len(frames)
        }
        assert min(apart, key=apart.__getitem__) == index, apart


def open_when_finished(page: Page, elsewhere: Elsewhere, url: str, job: str) -> None:
    while record(url, job)["status"] in ("queued", "running"):
        page.wait_for_timeout(200)
    open_player(page, elsewhere, url, job)
