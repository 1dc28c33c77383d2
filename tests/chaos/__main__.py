"""python -m tests.chaos [--kills N] [--others N] [--no-turns] [--seed S] [--json FILE]

Breaks a real service on purpose, one job at a time, and checks from outside that nothing is lost: every job
succeeds with the frames of an uninterrupted one, each of its windows is told once, and its webhook arrives
although the receiver fails half of the time. Then what making way for a short job costs a long one, and how
soon a cancel frees the worker. Prints tables; exits 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests.chaos.house import House, clocked_house, house, wait_for, wired_house
from tests.chaos.trials import ALL_FAULTS, CLOCK_FAULTS, FAULTS, WIRE_FAULTS, Trial, references, trial
from tests.chaos.turns import LONG_SECONDS, SHORT_SECONDS, cancels, making_way


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.splitlines()[2])
    parser.add_argument("--kills", type=int, default=50, help="jobs whose worker is killed")
    parser.add_argument("--others", type=int, default=3, help="jobs for each other fault")
    parser.add_argument("--turns", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    counts = {fault: args.kills if fault == "worker killed" else args.others for fault in FAULTS}
    result: dict[str, Any] = {"trials": []}
    wrong = []
    plans = (
        (house, counts),
        (clocked_house, dict.fromkeys(CLOCK_FAULTS, args.others)),
        (wired_house, dict.fromkeys(WIRE_FAULTS, args.others)),
    )
    for home, plan in plans:
        faults = [fault for fault, count in plan.items() for _ in range(count)]
        wrong += hurt_it(home, faults, args.seed, rng, result) if faults else []
    if args.turns:
        wrong += take_turns(args.seed, rng, result)
    for line in wrong:
        print(line)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return int(bool(wrong))


def hurt_it(
    home: Callable[..., AbstractContextManager[House]],
    plan: list[str],
    seed: int,
    rng: random.Random,
    result: dict[str, Any],
) -> list[str]:
    """Returns what did not hold."""
    with tempfile.TemporaryDirectory() as folder, home(Path(folder), workers=2, seed=seed) as hurt:
        whole = references(hurt, [1, 2, 3])
        trials = [trial(hurt, fault, whole, rng) for fault in tqdm(plan, desc="chaos", mininterval=5)]
        silent = without_webhook(hurt, trials)
        tries = hurt.hooks.tries
    print(table(trials))
    print(f"webhooks: {len(trials) - len(silent)} of {len(trials)} arrived, in {tries} tries, ids stable")
    result["trials"] += [asdict(one) for one in trials]
    wrong = [f"{bad.fault}, {bad.job_id}: {'; '.join(bad.wrong)}" for bad in trials if bad.wrong]
    return wrong + [f"{job_id}: its webhook did not arrive, or under several ids" for job_id in silent]


def take_turns(seed: int, rng: random.Random, result: dict[str, Any]) -> list[str]:
    """Returns what did not hold."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), workers=1, seed=seed) as unhurt:
        turn = making_way(unhurt, rng)
        steps = unhurt.http.get("/v1/models").json()["data"][0]["steps"]
        stopped = cancels(unhurt, rng, steps)
    result |= {"turn": asdict(turn), "cancels": [asdict(one) for one in stopped]}
    late = max(one.stopped - one.step for one in stopped)
    print(
        f"a long job ({LONG_SECONDS} s) took {turn.long:.1f} s, {turn.alone:.1f} s alone; it gave away "
        f"{turn.given_away:.1f} s and spent {turn.spent:.2f} s ({turn.share:.1%}) on it.\n"
        f"A short one ({SHORT_SECONDS} s) waited {turn.short_waited:.1f} s and took {turn.short:.1f} s."
    )
    took, step = (statistics.median(getattr(one, name) for one in stopped) for name in ("stopped", "step"))
    print(
        f"{len(stopped)} cancels ended the job after {took:.2f} s, at most "
        f"{max(one.stopped for one in stopped):.2f} s; a denoising step is {step:.2f} s"
    )
    wrong = []
    if turn.share >= 0.05:
        wrong.append(f"making way cost {turn.share:.1%}")
    if late > 0.1:
        wrong.append(f"a cancel took {late:.2f} s more than a denoising step")
    if not all(one.plays for one in stopped):
        wrong.append("what a canceled job had finished does not play")
    return wrong


def without_webhook(hurt: House, trials: list[Trial]) -> list[str]:
    """Jobs whose `video.completed` has not come a minute later, or came under more than one id."""

    def missing() -> list[str]:
        taken = hurt.hooks.taken
        return [one.job_id for one in trials if len(taken.get((one.job_id, "video.completed"), ())) != 1]

    with contextlib.suppress(TimeoutError):
        wait_for(lambda: not missing(), 60, every=0.5)
    return missing()


def table(trials: list[Trial]) -> str:
    rows = [
        "| fault | jobs | all held | redone, most | went on after, s: median, most | job, s: median, most |"
    ]
    rows.append("|---|---|---|---|---|---|")
    for fault in ALL_FAULTS:
        ours = [one for one in trials if one.fault == fault]
        if not ours:
            continue
        gaps = [one.gap_seconds for one in ours if one.gap_seconds is not None]
        gap = f"{statistics.median(gaps):.1f}, {max(gaps):.1f} ({len(gaps)})" if gaps else ""
        took = [one.seconds for one in ours]
        held = sum(not one.wrong for one in ours)
        redone = max(one.windows_redone for one in ours)
        rows.append(
            f"| {fault} | {len(ours)} | {held} | {redone} | {gap} "
            f"| {statistics.median(took):.1f}, {max(took):.1f} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    raise SystemExit(main())
