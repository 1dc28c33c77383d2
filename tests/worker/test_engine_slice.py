"""The real engine, tiny and untrained, in real slices: state survives storage, resume changes no frame."""

from __future__ import annotations

import pytest

from model.engine import Engine
from tests.tiny import build_engine
from worker.contract import models
from worker.contract.job import JobState
from worker.resident import Outcome
from worker.slice import run_slice


@pytest.fixture(scope="module")
def engine() -> Engine:
    return build_engine()


def test_a_video_left_at_every_window_is_the_uninterrupted_one(engine, resident, accept, store, storage):
    whole, left = accept(100), accept(100)
    assert whole.windows_total == models.windows_total(100)
    assert run_slice(resident(engine), whole.id) is Outcome.SUCCEEDED
    outcomes = []
    while not store.get(left.id).state.terminal:
        stopped = resident(engine)
        stopped.stopping.set()
        outcomes.append(run_slice(stopped, left.id))
    assert outcomes == [Outcome.LEFT] * 4 + [Outcome.SUCCEEDED]
    whole, left = store.get(whole.id), store.get(left.id)
    assert left.state is JobState.SUCCEEDED
    assert storage.get(left.video_key) == storage.get(whole.video_key)
    assert left.timings["denoise"] > 0
    assert left.timings["decode"] > 0
