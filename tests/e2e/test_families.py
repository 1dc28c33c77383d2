"""Every family's path through the service: tiny weights in the real format, a real API, Redis and S3.

Only the numbers of the API's table (sizes, windows) are the tiny weights' own.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import torch
from PIL import Image

from model.engine import Engine
from model.load import load_engine
from tests import families
from tests.app.conftest import picture, serve
from tests.model.families.conftest import (
    helios_folder,
    helios_pipe,
    hunyuan_folder,
    hunyuan_pipe,
    one_thread,
    wan_folder,
    wan_pipe,
)
from tests.service import ROOT
from tests.worker.conftest import resident
from tests.worker.tiny_engine import TinyEngine
from worker import slice as slices
from worker.contract.job import JobState
from worker.contract.models import MODELS
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.main import check_plan
from worker.resident import Outcome
from worker.slice import run_slice

SHARED = (
    *(hunyuan_folder, hunyuan_pipe, wan_folder, wan_pipe, helios_folder, helios_pipe),
    *(one_thread, resident),
)
"""Fixtures of other folders, which pytest finds by these names."""
FAMILIES = {
    "magic141": "hunyuan_folder",
    "hunyuan-i2v-33ch": "hunyuan_folder",
    "wan2.1-i2v-4step": "wan_folder",
    "helios-distilled": "helios_folder",
}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder(family: str, request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(FAMILIES[family])


@pytest.fixture
def engine(family: str, folder: Path) -> Engine:
    return load_engine(family, folder)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, engine: Engine, family: str) -> None:
    """The API's table tells of the tiny weights."""
    config = engine.config
    monkeypatch.setitem(
        MODELS,
        family,
        replace(
            MODELS[family],
            sizes=(f"{config.width}x{config.height}", "128x64"),
            min_seconds=0.1,
            first_window_frames=config.window_frames + 1,
            window_frames=config.window_frames,
        ),
    )
    check_plan(config, family)
    with pytest.raises(ValueError, match="the API plans"):
        check_plan(replace(config, new_latents=config.new_latents + 1), family)


@pytest.fixture
def family_settings(settings: Settings, family: str) -> Settings:
    return settings.model_copy(update={"models": family})


@pytest.fixture
def api(family_settings: Settings, redis) -> Iterator[httpx.Client]:
    for url in serve(family_settings):
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client


@pytest.fixture
def post(api: httpx.Client, family: str) -> Callable[..., str]:
    """`post(**fields)`: a job's id, for a video of three windows (two long ones) unless it says otherwise."""

    def send(**fields: object) -> str:
        told = {"prompt": "a red circle pans left", "model": family, "seed": 5}
        told["seconds"] = whole_frames(family) / MODELS[family].fps
        told |= fields
        answer = api.post("/v1/videos", data=told, files={"image": ("p.png", picture(size=(60, 40)))})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    return send


def whole_frames(family: str) -> int:
    window = MODELS[family].window_frames
    return (2 if window < 20 else 1) * window + 3


def test_a_video_left_at_every_window_is_the_uninterrupted_one(
    tiny, engine: Engine, post, resident, store: JobStore, storage: Storage, family: str
) -> None:
    whole, left, turned = post(), post(), post(size="128x64", seconds=0.1)
    windows = store.get(whole).windows_total
    assert windows == (2 if family == "helios-distilled" else 3)
    assert run_slice(resident(engine, model=family), whole) is Outcome.SUCCEEDED
    outcomes = []
    while not store.get(left).state.terminal:
        stopped = resident(engine, model=family)
        stopped.stopping.set()
        outcomes.append(run_slice(stopped, left))
    assert outcomes == [Outcome.LEFT] * (windows - 1) + [Outcome.SUCCEEDED]
    whole_job, left_job = store.get(whole), store.get(left)
    assert left_job.state is JobState.SUCCEEDED
    assert storage.get(left_job.video_key) == storage.get(whole_job.video_key)
    assert run_slice(resident(engine, model=family), turned) is Outcome.SUCCEEDED
    assert storage.get(store.get(turned).thumbnail_key) != storage.get(whole_job.thumbnail_key)


@pytest.mark.parametrize("family", ["magic141"], indirect=True)
def test_a_job_waits_for_a_worker_that_has_its_model(
    tiny, api: httpx.Client, post, resident, store: JobStore, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    waiting = post()
    mini = resident(TinyEngine())
    store.worker_seen("mini-0", {"model": "mini"})
    slices.install(mini)
    slices.generate(waiting)  # a worker of mini, woken by mistake, leaves it alone
    assert store.get(waiting).state is JobState.QUEUED
    told = {info["id"]: info for info in api.get("/v1/models").json()["data"]}
    assert [told[name]["ready"] for name in ("mini", "magic141")] == [True, False]
    assert [told[name]["accepted"] for name in ("magic141", "hunyuan-i2v-33ch")] == [True, False]
    assert "European Union" in told["magic141"]["licence"]
    refused = api.post("/v1/videos", json={"prompt": "a", "model": "hunyuan-i2v-33ch"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_not_served")
    assert "retry-after" in refused.headers
    wrong = api.post("/v1/videos", json={"prompt": "a", "model": "magic141", "size": "256x256"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (422, "size")

    values = settings.model_dump(exclude_none=True) | {"model": "magic141", "model_path": str(folder)}
    env = os.environ | {f"MAGIC141_{name.upper()}": str(value) for name, value in values.items()}
    with (tmp_path / "log").open("wb") as log:
        argv = [sys.executable, "-m", "tests.worker.family_worker", "--name", "worker-0"]
        worker = subprocess.Popen(
            argv, cwd=ROOT, env=env | {"OMP_NUM_THREADS": "1"}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 200
        while not (job := store.get(waiting)).state.terminal:
            assert worker.poll() is None, (tmp_path / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-2000:]
            time.sleep(0.1)
        assert job.state is JobState.SUCCEEDED, job.error
        assert job.worker == "worker-0"
        told = {info["id"]: info["ready"] for info in api.get("/v1/models").json()["data"]}
        assert told["magic141"]
    finally:
        worker.terminate()
        assert worker.wait(timeout=60) == 0
    again = api.get(f"/v1/videos/{waiting}/content")
    assert again.content[4:8] == b"ftyp"


@pytest.mark.parametrize("family", ["wan2.1-i2v-4step"], indirect=True)
def test_a_picture_is_painted_or_asked_for(
    tiny,
    api: httpx.Client,
    engine: Engine,
    resident,
    store: JobStore,
    storage: Storage,
    folder: Path,
    family: str,
    tmp_path: Path,
) -> None:
    told = {"prompt": "a red circle", "model": family, "seconds": 0.2}
    waiting = api.post("/v1/videos", json=told).json()["id"]  # nobody is there yet who could refuse it
    assert run_slice(resident(engine, model=family), waiting) is Outcome.FAILED
    assert store.get(waiting).error.code == "image_required"
    store.worker_seen("worker-0", {"model": family, "paints": False})
    refused = api.post("/v1/videos", json=told)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "image_required")

    store.worker_seen("worker-0", {"model": family, "paints": True})
    shutil.copytree(folder, tmp_path / "both")
    families.z_image_pipeline().save_pretrained(tmp_path / "both" / "text_to_image")
    painting = load_engine(family, tmp_path / "both")
    painted = api.post("/v1/videos", json=told).json()["id"]
    assert run_slice(resident(painting, model=family), painted) is Outcome.SUCCEEDED
    with Image.open(io.BytesIO(storage.get(store.get(painted).image_key))) as first:
        assert first.size == (64, 64)


def test_the_precision_and_the_weights_are_in_the_description(engine: Engine, family: str) -> None:
    told = engine.describe()
    assert told["model"] == engine.config.name
    assert told["dtype"] == str(engine.transformer.dtype).removeprefix("torch.")
    assert any(name.startswith("transformer/") for name in told["weights_sha256"])
    assert isinstance(engine.transformer, torch.nn.Module)
