"""What making way and stopping cost, by the clock of the jobs' own events. One worker, a house unhurt."""

from __future__ import annotations

import io
import random
import re
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import av

from tests.chaos.house import House, wait_for

LONG_SECONDS, SHORT_SECONDS = 60, 2
CANCELS = 10


@dataclass(frozen=True)
class Turn:
    """A long job that made way to a short one on the only worker. All in seconds.

    `given_away` is the time between the long job's slices. `spent` is what making way cost beyond that: from
    its last window to its leaving, and from its return to its next window, less the time that a window takes
    (the median of its others).
    """

    alone: float
    long: float
    given_away: float
    spent: float
    window: float
    short_waited: float
    short: float

    @property
    def share(self) -> float:
        """Of the long job's own time."""
        return self.spent / (self.long - self.given_away)


def making_way(house: House, rng: random.Random) -> Turn:
    """A minute alone, then a minute with a short job that comes in the middle of it."""
    alone = _took(house.events(_render(house, LONG_SECONDS)))
    long = house.post(prompt="a red circle on a blue background", seconds=LONG_SECONDS, seed=1)
    wait_for(lambda: house.job(long)["windows_done"] >= 3, 120)
    time.sleep(rng.uniform(0, 10))
    short = house.events(_render(house, SHORT_SECONDS))
    assert house.ended(long)["status"] == "succeeded"
    events = house.events(long)
    left = [at for at, kind, _ in events if kind == "queued"][1:]
    back = [at for at, kind, _ in events if kind == "started"][1:]
    committed = [at for at, kind, _ in events if kind == "window"]
    assert left, "the long job never made way"
    pairs = pairwise(committed)
    window = statistics.median(b - a for a, b in pairs if not any(a < t < b for t in left))
    spent = sum(
        (gone - max(at for at in committed if at <= gone))
        + (min(at for at in committed if at > again) - again)
        - window
        for gone, again in zip(left, back, strict=True)
    )
    given_away = sum(again - gone for gone, again in zip(left, back, strict=True))
    waited = next(at for at, kind, _ in short if kind == "started") - short[0][0]
    return Turn(alone, _took(events), given_away, spent, window, waited, short[-1][0] - short[0][0])


@dataclass(frozen=True)
class Cancel:
    """Seconds from the request to the job's end, and what a denoising step takes."""

    stopped: float
    step: float
    plays: bool


def cancels(house: House, rng: random.Random, steps_a_window: int) -> list[Cancel]:
    """Jobs canceled at random moments while they render."""
    found = []
    for _ in range(CANCELS):
        job_id = house.post(prompt="a red circle on a blue background", seconds=20, seed=1)
        wait_for(lambda job_id=job_id: house.job(job_id)["windows_done"] >= 1, 60)
        time.sleep(rng.uniform(0, 3))
        house.http.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
        job = house.ended(job_id)
        assert job["status"] == "canceled", job
        at = {kind: at for at, kind, _ in house.events(job_id)}
        step = job["timings"]["denoise"] / job["windows_done"] / steps_a_window
        found.append(Cancel(at["canceled"] - at["cancel_requested"], step, _plays(house, job)))
    return found


def _render(house: House, seconds: float) -> str:
    job_id = house.post(prompt="a red circle on a blue background", seconds=seconds, seed=1)
    assert house.ended(job_id)["status"] == "succeeded"
    return job_id


def _took(events: list) -> float:
    """From the first start to the end."""
    return events[-1][0] - next(at for at, kind, _ in events if kind == "started")


def _plays(house: House, job: dict) -> bool:
    """The playlist is closed, and its segments decode to as many frames as it says they last."""
    text = house.http.get(job["playlist_url"]).text
    urls = re.findall(r'URI="([^"]+)"', text) + re.findall(r"^http.*$", text, re.MULTILINE)
    joined = b"".join(house.http.get(url).raise_for_status().content for url in urls)
    with av.open(io.BytesIO(joined)) as video:
        frames = sum(1 for _ in video.decode(video=0))
    told = 24 * sum(segment["duration_seconds"] for segment in job["segments"])
    return text.rstrip().endswith("#EXT-X-ENDLIST") and frames == round(told)
