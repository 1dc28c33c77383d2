"""The small version of `make chaos`: each fault that costs seconds, once."""

from __future__ import annotations

import random

import pytest

from tests.chaos.house import House, house
from tests.chaos.trials import references, trial

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory):
    with house(tmp_path_factory.mktemp("chaos"), workers=2, seed=1) as made:
        yield made


def test_what_is_killed_or_frozen_costs_no_job(hurt: House) -> None:
    rng = random.Random(1)
    whole = references(hurt, [1])
    for fault in ("worker killed", "worker frozen for 9 s", "Redis killed", "API killed", "S3 killed"):
        assert trial(hurt, fault, whole, rng).wrong == (), fault
