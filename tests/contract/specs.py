"""Job specs for tests of the contract."""

from dataclasses import replace
from typing import Any

from worker.contract.job import WEBHOOK_EVENTS, JobSpec, Segment, Shot


def spec(**changes: Any) -> JobSpec:
    """Two seconds of mini in two windows, with every webhook wanted."""
    base = JobSpec(
        prompt="a red ball on a green field",
        model="mini",
        size="256x256",
        seconds=2.0,
        num_frames=48,
        fps=24,
        seed=7,
        shots=(Shot("a red ball on a green field", 2.0),),
        webhook_url="http://127.0.0.1:9/hook",
        webhook_events=WEBHOOK_EVENTS,
    )
    return replace(base, **changes)


def segment(job_id: str, index: int) -> Segment:
    start = 0 if index == 0 else 25 + 24 * (index - 1)
    return Segment(index, start, 25 if index == 0 else 24, f"videos/{job_id}/{index:05d}.m4s", 1000 + index)
