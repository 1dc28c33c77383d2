"""An engine as its engine.json chooses it, through the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from model.config import EngineConfig
from model.load import WEIGHTS, load_engine
from tests.app.conftest import serve
from tests.worker.conftest import resident
from worker.contract import keys
from worker.contract.job import JobState
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.resident import Outcome
from worker.slice import run_slice

SHARED = (resident,)


@pytest.fixture
def api(settings: Settings, redis) -> Iterator[httpx.Client]:
    for url in serve(settings):
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client


def test_a_job_by_int8_weights_and_visiting_encoders(
    api: httpx.Client, resident, store: JobStore, storage: Storage, tmp_path: Path
) -> None:
    for part in (WEIGHTS / "mini").iterdir():
        if part.is_dir():
            (tmp_path / part.name).symlink_to(part)
    replace(EngineConfig.load(WEIGHTS / "mini"), precision="int8", offload="encoders").save(tmp_path)
    engine = load_engine("mini", tmp_path)
    told = {"prompt": "a red circle, the camera pans left", "seconds": 1.2, "seed": 3}
    job = api.post("/v1/videos", json=told).json()["id"]
    assert run_slice(resident(engine), job) is Outcome.SUCCEEDED
    assert store.get(job).state is JobState.SUCCEEDED
    made_by = json.loads(storage.get(keys.manifest(job)))["engine"]
    assert (made_by["precision"], made_by["offload"]) == ("int8", "encoders")
    assert api.get(f"/v1/videos/{job}/content").content[4:8] == b"ftyp"
