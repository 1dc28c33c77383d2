"""A real Chromium for tests: the system's own, else the one that `playwright install chromium` brings."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Without a sandbox, as tests run as root in containers; the only pages it opens are the tests' own."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Complaints(list[str]):
    """What a page's console and its uncaught errors say, from now on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", lambda said: self.append(said.text) if said.type == "error" else None)


PLAYING = """() => {
  const video = document.querySelector("video");
  const { buffered } = video;
  const ranges = [...Array(buffered.length).keys()].map((i) => [buffered.start(i), buffered.end(i)]);
  return { at: video.currentTime, ranges, duration: video.duration, ended: video.ended, paused: video.paused,
           error: video.error && video.error.message };
}"""


def playing(page: Page) -> dict:
    """Of the page's video: at and duration in seconds, ranges that are buffered, ended, paused, error."""
    return page.evaluate(PLAYING)


def until(page: Page, expression: str, seconds: float = 60) -> None:
    """Waits until the expression is true. (Playwright's own way needs `eval`, which our page forbids.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"{expression}: not within {seconds} s; {playing(page)}"
        page.wait_for_timeout(50)
