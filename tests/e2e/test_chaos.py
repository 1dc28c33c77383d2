"""The small version of `make chaos`: each fault that costs seconds, once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.house import House, clocked_house, house, wired_house
from tests.chaos.trials import references, trial

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
SECONDS = 4


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory):
    with house(tmp_path_factory.mktemp("chaos"), workers=2, seed=1) as made:
        yield made


def test_what_is_killed_or_frozen_costs_no_job(hurt: House) -> None:
    rng = random.Random(1)
    whole = references(hurt, [1], SECONDS)
    for fault in ("worker killed", "worker frozen for 9 s", "Redis killed", "API killed", "S3 killed"):
        assert trial(hurt, fault, whole, rng, SECONDS).wrong == (), fault


def test_what_is_cut_off_or_silent_costs_no_job(tmp_path: Path) -> None:
    rng = random.Random(2)
    with wired_house(tmp_path, workers=2, seed=2) as hurt:
        whole = references(hurt, [1], SECONDS)
        for fault in (
            "Redis cut off",
            "Redis unreachable for 10 s",
            "Redis dies, its replica takes over",
            "S3 cut off ten times",
        ):
            assert trial(hurt, fault, whole, rng, SECONDS).wrong == (), fault


def test_a_clock_that_is_set_costs_no_job(tmp_path: Path) -> None:
    rng = random.Random(3)
    with clocked_house(tmp_path, workers=2, seed=3) as hurt:
        whole = references(hurt, [1], SECONDS)
        for fault in ("clock an hour ahead for 5 s", "clock an hour behind for 5 s"):
            assert trial(hurt, fault, whole, rng, SECONDS).wrong == (), fault
