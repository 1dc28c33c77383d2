"""A film of numbered frames in a real Chromium: no seam, whoever plays it, and URLs that expire meanwhile."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.app.conftest import serve
from tests.browser import Complaints, playing, until
from tests.film import NUMBER, filming
from tests.players import HLS_JS, OWN, Elsewhere
from tests.worker.tiny_engine import FPS, plan
from worker.contract.job import Job
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
SECONDS = 4
NUM_FRAMES = SECONDS * FPS
SIGNED_SECONDS = 3
VIDEO = "document.querySelector('video')"
WATCH = f"""() => {{
  const video = {VIDEO};
  const number = {NUMBER};
  window.seen = [];
  window.stalls = [];
  window.resets = 0;
  const end = (ranges) => ranges.length ? ranges.end(ranges.length - 1) : 0;
  video.addEventListener("waiting", () =>
    video.seeking || window.stalls.push(end(video.buffered) - video.currentTime));
  video.addEventListener("emptied", () => window.resets++);
  const note = (_, frame) => {{
    window.seen.push([frame.mediaTime, number(video), video.buffered.length]);
    video.requestVideoFrameCallback(note);
  }};
  video.requestVideoFrameCallback(note);
}}"""
"""Notes of each frame shown: its time, its number, how many ranges are buffered; and what breaks the play."""
SHOWN_AT = f"""async (seconds) => {{
  const video = {VIDEO};
  const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  video.currentTime = seconds;
  await shown;
  return ({NUMBER})(video);
}}"""


@pytest.fixture(scope="module")
def short(settings: Settings) -> Settings:
    return settings.model_copy(update={"signed_url_seconds": SIGNED_SECONDS})


@pytest.fixture(scope="module")
def url(short: Settings) -> Iterator[str]:
    yield from serve(short)


@pytest.fixture
def film(store: JobStore, storage: Storage, short: Settings) -> partial[AbstractContextManager[Job]]:
    return partial(filming, store, storage, short, seconds=SECONDS)


def wait_for_end(page: Page, store: JobStore, job: Job) -> None:
    while not store.get(job.id).state.terminal:
        page.wait_for_timeout(20)


def watch(page: Page) -> None:
    until(page, VIDEO)
    page.evaluate(WATCH)


def stalls(page: Page) -> list[float]:
    """Of waits with the next frame at hand: seconds buffered. What isn't rendered it must wait for."""
    return [ahead for ahead in page.evaluate("window.stalls") if ahead > 0.1]


def seamless(page: Page) -> None:
    """What was shown until now, and what is shown around each seam, is frame for frame the film."""
    seen = page.evaluate("window.seen")
    assert len(seen) > NUM_FRAMES / 4  # a busy machine shows fewer than there are
    told = [round(time * FPS) for time, _, _ in seen]
    # The number is read a little later than the frame is told of: it may be the next one's already.
    later = [*told[1:], NUM_FRAMES - 1]
    numbers = [number for _, number, _ in seen]
    assert all(a <= number <= b for a, number, b in zip(told, numbers, later, strict=True)), (told, numbers)
    assert {ranges for _, _, ranges in seen} == {1}
    assert page.evaluate(f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames") == NUM_FRAMES
    for _ in range(3):  # a machine that is busy stalls now and then, a seam always
        if not stalls(page):
            break
        page.evaluate(f"window.stalls = []; {VIDEO}.currentTime = 0; {VIDEO}.play()")
        until(page, f"{VIDEO}.currentTime > 1")
        until(page, f"{VIDEO}.ended")
    assert stalls(page) == []
    for start in [start for _, start, _ in plan(NUM_FRAMES)][1:]:
        around = range(start - 2, start + 2)
        assert [page.evaluate(SHOWN_AT, (frame + 0.5) / FPS) for frame in around] == list(around)


def test_hls_js_while_it_is_rendered(
    page: Page, elsewhere: Elsewhere, url: str, store: JobStore, film: Any
) -> None:
    complaints = Complaints(page)
    with film(window_seconds=0.4) as job:
        while not store.get(job.id).segments:
            page.wait_for_timeout(20)
        page.goto(elsewhere.page(HLS_JS, f"{url}/v1/videos/{job.id}/playlist.m3u8"))
        watch(page)
        until(page, f"{VIDEO}.ended")
        seamless(page)
    assert complaints == []


def test_chromiums_own_hls_once_it_is_finished(
    page: Page, elsewhere: Elsewhere, url: str, store: JobStore, film: Any
) -> None:
    with film(window_seconds=0) as job:
        wait_for_end(page, store, job)
        page.goto(elsewhere.page(OWN, f"{url}/v1/videos/{job.id}/playlist.m3u8"))
        watch(page)
        until(page, f"{VIDEO}.ended")
        seamless(page)


def test_urls_that_expired_are_asked_for_again(page: Page, url: str, store: JobStore, film: Any) -> None:
    """On our own page, which goes on without a break."""
    held: list[Route] = []
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if ".m4s" in answer.url else None)
    with film(window_seconds=0) as job:
        wait_for_end(page, store, job)
        page.route("**/00003.m4s*", lambda route: held.append(route))
        page.goto(f"{url}/#{job.id}")
        watch(page)
        until(page, f"{VIDEO}.currentTime > 3")  # all that it has
        page.wait_for_timeout(1000 * SIGNED_SECONDS)
        assert playing(page)["ended"] is False
        for route in held:
            route.continue_()
        page.unroute("**/00003.m4s*")
        until(page, f"{VIDEO}.ended")
        assert statuses.count(200) < len(statuses)  # rclone's server says 400, AWS's says 403
        assert page.evaluate("window.resets") == 0


def test_a_browser_without_media_source_extensions(page: Page, url: str, store: JobStore, film: Any) -> None:
    """Our page leaves it to the browser's own HLS, and where that fails shows the file once there is one."""
    page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
    with film(window_seconds=0.3) as job:
        while not store.get(job.id).segments:
            page.wait_for_timeout(20)
        page.goto(f"{url}/#{job.id}")
        until(page, f"{VIDEO}.ended")
        page.reload()
        watch(page)
        until(page, f"{VIDEO}.ended")
        assert page.evaluate(f"{VIDEO}.src") == f"{url}/v1/videos/{job.id}/playlist.m3u8"
        seamless(page)
