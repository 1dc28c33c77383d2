"""Videos made from videos, changes of mind, and estimates, as a client asks for them."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.app.test_jobs import post, work
from worker.contract.job import JobState, Segment
from worker.contract.models import MODELS
from worker.contract.storage import Storage
from worker.contract.store import JobStore


def finished(api: httpx.Client, store: JobStore, storage: Storage, **body: Any) -> str:
    """A video of 4 s: three whole windows, and one that is cut to 23 frames."""
    job_id = post(api, seconds=4, seed=3, **body)["id"]
    token = work(store, storage, job_id, 3)
    store.commit_window(job_id, token, Segment(3, 73, 23, f"videos/{job_id}/00003.m4s", 9), timings={})
    store.set_artifact(job_id, token, "image_key", f"videos/{job_id}/image.png")
    store.finish(job_id, token, JobState.SUCCEEDED)
    return job_id


def refused(answer: httpx.Response, status: int, code: str, param: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)


def test_remix(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    source = finished(api, store, storage)
    video = api.post(f"/v1/videos/{source}/remix", json={"prompt": "a blue ball"})
    assert video.status_code == 202
    assert video.json()["remixed_from_video_id"] == source
    job = api.get(video.headers["location"]).json()
    assert (job["prompt"], job["seed"], job["seconds"], job["windows_done"]) == ("a blue ball", 3, 4.0, 0)
    assert job["origin"] == {"job_id": source, "kind": "remix", "window": 0}
    edit = api.post("/v1/videos/edits", files={"prompt": (None, "a green"), "video[id]": (None, source)})
    assert edit.json()["remixed_from_video_id"] == source
    refused(api.post(f"/v1/videos/{source}/remix", json={"prompt": " "}), 422, "invalid_value", "prompt")
    refused(api.post("/v1/videos/video_0/remix", json={"prompt": "a"}), 404, "not_found")


def test_extension_goes_on_from_the_last_whole_window(
    api: httpx.Client, store: JobStore, storage: Storage
) -> None:
    source = finished(api, store, storage)
    asked = {"prompt": "the camera zooms in", "seconds": "4", "video": {"id": source}}
    video = api.post("/v1/videos/extensions", json=asked).json()
    assert (video["seconds"], video["prompt"], video["remixed_from_video_id"]) == (
        "8",
        "the camera zooms in",
        None,
    )
    job = api.get(f"/v1/jobs/{video['id']}").json()
    assert (job["windows_done"], job["windows_total"]) == (3, 8)
    assert [segment["start_seconds"] for segment in job["segments"]] == [0, 1.041667, 2.041667]
    assert [shot["prompt"] for shot in job["shots"]] == ["a red ball", "a red ball", "the camera zooms in"]
    assert sum(shot["seconds"] for shot in job["shots"]) == pytest.approx(8)
    assert sum(shot["seconds"] for shot in job["shots"][:2]) == pytest.approx(4)
    assert api.get(f"/v1/videos/{video['id']}/playlist.m3u8").text.count(f"/{source}/") == 4  # init and three
    refused(
        api.post("/v1/videos/extensions", json={**asked, "seconds": 500}), 422, "invalid_value", "seconds"
    )
    refused(api.post("/v1/videos/extensions", json={**asked, "seconds": 0}), 422, "invalid_value", "seconds")
    running = post(api)["id"]
    unfinished = api.post("/v1/videos/extensions", json={**asked, "video": {"id": running}})
    refused(unfinished, 409, "not_ready")


def test_fork(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    source = finished(api, store, storage, metadata={"of": "the source"})
    path = f"/v1/jobs/{source}/fork"

    def forked(**body: Any) -> dict[str, Any]:
        answer = api.post(path, json=body)
        assert answer.status_code == 202, answer.text
        return api.get(answer.headers["location"]).json()

    job = forked(window=2, prompt="pans right", seconds=6, seed=9, metadata={"of": "the fork"})
    assert (job["windows_done"], job["windows_total"], job["seed"]) == (2, 6, 9)
    assert (job["seconds"], job["metadata"]) == (6.0, {"of": "the fork"})
    assert [shot["prompt"] for shot in job["shots"]] == ["a red ball", "pans right"]
    assert job["shots"][0]["seconds"] == pytest.approx(49 / 24)
    assert job["origin"] == {"job_id": source, "kind": "fork", "window": 2}
    assert job["image_url"] is None  # its own worker says so when it begins; the picture is the source's
    assert store.get(job["id"]).spec.image_key == f"videos/{source}/image.png"

    assert forked()["windows_done"] == 3
    assert forked(window=0, prompt="pans up")["windows_done"] == 0
    shots = [{"prompt": "a", "seconds": 1}, {"prompt": "b", "seconds": 2}]
    assert forked(window=1, shots=shots)["seconds"] == pytest.approx(25 / 24 + 3)
    refused(api.post(path, json={"window": 4}), 409, "not_ready")
    refused(api.post(path, json={"window": 3, "seconds": 2}), 422, "invalid_value", "seconds")
    refused(api.post(path, json={"shots": shots, "prompt": "a"}), 422, "invalid_value", "shots")
    refused(api.post(path, json={"window": -1}), 422, "invalid_value", "window")
    refused(api.post(path, json={"windows": 1}), 422, "unknown_field", "windows")


def test_a_derived_job_is_made_once(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    source, other = (finished(api, store, storage) for _ in range(2))
    key = {"idempotency-key": "again"}

    def fork(of: str, **body: Any) -> httpx.Response:
        return api.post(f"/v1/jobs/{of}/fork", json=body, headers=key)

    assert fork(source, seed=1).json()["id"] == fork(source, seed=1).json()["id"]
    for answer in (fork(source, seed=2), fork(other, seed=1)):
        refused(answer, 409, "idempotency_conflict")


def test_patch(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    shots = [{"prompt": "one", "seconds": 2}, {"prompt": "two", "seconds": 2}]
    job_id = api.post("/v1/videos", json={"shots": shots}).json()["id"]
    path = f"/v1/jobs/{job_id}"
    job = api.patch(path, json={"shots": [{"index": 0, "prompt": "first"}], "priority": 4}).json()
    assert [shot["prompt"] for shot in job["shots"]] == ["first", "two"]
    assert (job["prompt"], store.get(job_id).spec.priority) == ("first", 4)

    token = work(store, storage, job_id, 1)
    store.begin_window(job_id, token, 1)  # from frame 25 on; the second shot begins at frame 48
    assert api.patch(path, json={"shots": [{"index": 1, "prompt": "zwei"}]}).status_code == 200
    store.begin_window(job_id, token, 2)
    late = api.patch(path, json={"shots": [{"index": 1, "prompt": "due"}]})
    refused(late, 409, "already_rendered")
    assert store.get(job_id).spec.shots[1].prompt == "zwei"
    for wrong, param in (
        ({"shots": [{"index": 2, "prompt": "x"}]}, "shots"),
        ({"shots": [{"index": 1, "prompt": ""}]}, "shots.0.prompt"),
        ({"priority": 11}, "priority"),
    ):
        refused(api.patch(path, json=wrong), 422, "invalid_value", param)
    store.finish(job_id, token, JobState.SUCCEEDED)
    refused(api.patch(path, json={"priority": 0}), 409, "job_over")


def test_estimate(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    first = api.post("/v1/videos/estimate", json={"prompt": "a", "seconds": 10}).json()
    assert (first["windows_total"], first["num_frames"], first["position"]) == (10, 240, 1)
    assert first["eta_seconds"] is first["cost_window_seconds"] is None
    assert first["ready"] is False
    assert api.get("/v1/jobs").json()["data"] == []
    work(store, storage, post(api)["id"], 2)
    store.worker_seen("worker-0", {"model": "mini"})
    post(api)
    second = api.post("/v1/videos/estimate", json={"prompt": "a", "seconds": 10}).json()
    assert (second["position"], second["ready"]) == (2, True)
    assert 0 <= second["cost_window_seconds"] <= second["eta_seconds"] < 60
    refused(api.post("/v1/videos/estimate", json={"prompt": ""}), 422, "invalid_value", "prompt")


def test_a_size_that_no_ready_worker_can_hold(
    api: httpx.Client, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused when it is asked for, not when a card runs out of memory."""
    monkeypatch.setitem(MODELS, "mini", replace(MODELS["mini"], sizes=("256x256", "512x512")))
    large = {"prompt": "a", "size": "512x512"}
    assert api.post("/v1/videos/estimate", json=large).status_code == 200  # nobody is ready, nothing is known
    store.worker_seen("worker-0", {"model": "mini", "largest_pixels": 512 * 512 - 1})
    store.worker_seen("worker-1", {"model": "another", "largest_pixels": 9**9})
    for path in ("/v1/videos/estimate", "/v1/videos"):
        refused(api.post(path, json=large), 422, "does_not_fit", "size")
        assert api.post(path, json={"prompt": "a"}).status_code in (200, 202)
    for told in ({"largest_pixels": 512 * 512}, {}):
        store.worker_seen("worker-2", {"model": "mini", **told})
        assert api.post("/v1/videos/estimate", json=large).status_code == 200
