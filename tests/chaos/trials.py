"""One job, one thing done to the service while it is rendered, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.far import Far
from tests.chaos.house import GO, KILL, STOP, House, wait_for
from tests.chaos.wire import Wire

SECONDS = 8  # of video, in as many windows: half of that is the longest wait before the fault
FROZEN_SECONDS = 9.0  # longer than a lease
AWAY_SECONDS = 30.0
GONE_SECONDS = 10.0
SLOW_SECONDS = 15.0
WRONG_SECONDS = 5.0
DELAY_SECONDS = 0.2  # each way, and for each piece of a transfer
SLOW_ANSWER_SECONDS = 3.0  # a courier waits for two


@dataclass(frozen=True)
class Trial:
    """`gap_seconds`: from the kill to the next worker's taking of the job, where there was one to take it."""

    fault: str
    job_id: str
    at_window: int
    gap_seconds: float | None
    windows_redone: int
    attempts: int
    seconds: float
    wrong: tuple[str, ...]


def kill_worker(house: House, job_id: str) -> None:
    house.signal(house.job(job_id)["worker"], KILL)


def freeze_worker(house: House, job_id: str) -> None:
    """It wakes up when another has its job: two workers, one lease."""
    frozen = house.signal(house.job(job_id)["worker"], STOP)
    time.sleep(FROZEN_SECONDS)
    os.kill(frozen, GO)


def kill_api(house: House, job_id: str) -> None:
    house.signal("api", KILL)


def kill_redis(house: House, job_id: str) -> None:
    house.signal("redis", KILL)


def kill_s3(house: House, job_id: str) -> None:
    house.signal("s3", KILL)


def kill_hooks(house: House, job_id: str) -> None:
    house.signal("hooks", KILL)


def storage_away(house: House, job_id: str) -> None:
    """It takes connections and answers none."""
    frozen = house.signal("s3", STOP)
    time.sleep(AWAY_SECONDS)
    os.kill(frozen, GO)


def cut_redis(house: House, job_id: str) -> None:
    _far(house).redis_wire.cut()


def redis_gone(house: House, job_id: str) -> None:
    """Longer than a lease: whoever holds the job has to give it up."""
    _gone(_far(house).redis_wire, GONE_SECONDS)


def slow_redis(house: House, job_id: str) -> None:
    _slow(_far(house).redis_wire)


def cut_s3(house: House, job_id: str) -> None:
    """Ten times in three seconds, so that some of it hits what is on its way."""
    for _ in range(10):
        _far(house).s3_wire.cut()
        time.sleep(0.3)


def s3_gone(house: House, job_id: str) -> None:
    _gone(_far(house).s3_wire, AWAY_SECONDS)


def slow_s3(house: House, job_id: str) -> None:
    _slow(_far(house).s3_wire)


def redis_fails_over(house: House, job_id: str) -> None:
    _far(house).fail_over()


def clock_ahead(house: House, job_id: str) -> None:
    """Set an hour on, and right again: every lease runs out at the first step, none does after the second."""
    _set_off(house, +3600)


def clock_behind(house: House, job_id: str) -> None:
    _set_off(house, -3600)


def slow_receiver(house: House, job_id: str) -> None:
    """It answers later than anybody waits, until the job has ended and a while longer."""
    house.hooks.delay_seconds = SLOW_ANSWER_SECONDS
    house.ended(job_id)
    time.sleep(10)
    house.hooks.delay_seconds = 0.0


def _gone(wire: Wire, seconds: float) -> None:
    wire.open = False
    wire.cut()
    time.sleep(seconds)
    wire.open = True


def _set_off(house: House, seconds: int) -> None:
    assert house.clock is not None, "this fault needs a clocked house"
    house.clock.set_off(seconds)
    time.sleep(WRONG_SECONDS)
    house.clock.set_off(0)


def _slow(wire: Wire) -> None:
    wire.delay_seconds = DELAY_SECONDS
    time.sleep(SLOW_SECONDS)
    wire.delay_seconds = 0.0


def _far(house: House) -> Far:
    assert house.far is not None, "this fault needs a wired house"
    return house.far


FAULTS: dict[str, Callable[[House, str], None]] = {
    "worker killed": kill_worker,
    "worker frozen for 9 s": freeze_worker,
    "API killed": kill_api,
    "Redis killed": kill_redis,
    "S3 killed": kill_s3,
    "S3 silent for 30 s": storage_away,
    "hooks worker killed": kill_hooks,
    "webhook receiver slow": slow_receiver,
}
CLOCK_FAULTS: dict[str, Callable[[House, str], None]] = {
    "clock an hour ahead for 5 s": clock_ahead,
    "clock an hour behind for 5 s": clock_behind,
}
WIRE_FAULTS: dict[str, Callable[[House, str], None]] = {
    "Redis cut off": cut_redis,
    "Redis unreachable for 10 s": redis_gone,
    "Redis 0.2 s away for 15 s": slow_redis,
    "S3 cut off ten times": cut_s3,
    "S3 unreachable for 30 s": s3_gone,
    "S3 0.2 s away for 15 s": slow_s3,
    "Redis dies, its replica takes over": redis_fails_over,
}
ALL_FAULTS = FAULTS | CLOCK_FAULTS | WIRE_FAULTS


def references(house: House, seeds: list[int], seconds: int = SECONDS) -> dict[int, str]:
    """What the videos are when nothing happens."""
    return {seed: house.video(render(house, seed, seconds)) for seed in seeds}


def render(house: House, seed: int, seconds: int) -> str:
    job_id = house.post(prompt="a red circle on a blue background", seconds=seconds, seed=seed)
    assert house.ended(job_id)["status"] == "succeeded"
    return job_id


def trial(
    house: House, fault: str, whole: dict[int, str], rng: random.Random, seconds: int = SECONDS
) -> Trial:
    """Posts a job, does `fault` to the service at a random moment of it, and looks at what became of both."""
    seed = rng.choice(list(whole))
    began = time.monotonic()
    job_id = house.post(prompt="a red circle on a blue background", seconds=seconds, seed=seed)
    wait_for(lambda: house.job(job_id)["status"] != "queued", 60)
    time.sleep(rng.uniform(0.0, seconds / 2))
    before, warm_ups = house.job(job_id), house.warm_ups()
    ALL_FAULTS[fault](house, job_id)
    hurt = time.monotonic()
    gap = None
    if fault == "worker killed" and before["status"] == "running":

        def moved_on() -> bool:
            job = house.job(job_id)
            return job["attempts"] > before["attempts"] or job["status"] == "succeeded"

        wait_for(moved_on, 60)
        gap = time.monotonic() - hurt if house.job(job_id)["attempts"] > before["attempts"] else None
    job, took = house.ended(job_id), time.monotonic() - began
    if fault == "worker killed":
        wait_for(lambda: house.warm_ups() > warm_ups, 120)  # the next trial has two workers again
    return Trial(
        fault,
        job_id,
        before["windows_done"],
        gap,
        job["windows_redone"],
        job["attempts"],
        took,
        tuple(_wrong(house, job, whole[seed])),
    )


def _wrong(house: House, job: dict, whole: str) -> list[str]:
    if job["status"] != "succeeded":
        return [f"it {job['status']}: {job['error']}"]
    found = []
    told = house.windows_told(job["id"])
    if told != list(range(job["windows_total"])):
        found.append(f"windows were told as {told}")
    if job["windows_redone"] > 1:
        found.append(f"{job['windows_redone']} windows were redone")
    if house.video(job["id"]) != whole:
        found.append("the video is another one")
    return found
