"""A job seen from outside, its worker's part being played through the real job store and storage."""

import io
import re
import time
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.images import normalize
from tests.app.conftest import picture
from tests.contract.specs import segment
from worker.contract import keys
from worker.contract.job import JobError, JobState
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore


def post(api: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = api.post("/v1/videos", json={"prompt": "a red ball", "seconds": 2, **body})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()


def work(store: JobStore, storage: Storage, job_id: str, windows: int) -> int:
    token = store.take(job_id, "worker-0")
    assert token is not None
    storage.put(keys.init_segment(job_id), b"init", "video/mp4")
    for index in range(windows):
        storage.put(keys.segment(job_id, index), b"segment %d" % index, "video/iso.segment")
        store.commit_window(job_id, token, segment(job_id, index), timings={"denoise": 0.5})
    return token


def test_accepted(api: httpx.Client) -> None:
    video = post(api, seed=7, metadata={"who": "me"})
    assert (video["object"], video["status"], video["progress"]) == ("video", "queued", 0)
    assert (video["seconds"], video["size"], video["model"]) == ("2", "256x256", "mini")
    job = api.get(f"/v1/jobs/{video['id']}").json()
    assert (job["status"], job["position"], job["seed"], job["windows_total"]) == ("queued", 1, 7, 2)
    assert (job["metadata"], job["shots"]) == ({"who": "me"}, [{"prompt": "a red ball", "seconds": 2.0}])
    assert job["playlist_url"] is job["video_url"] is job["error"] is None
    assert int(api.get(f"/v1/videos/{video['id']}").headers["openai-poll-after-ms"]) >= 250


def test_while_it_renders_and_after(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    job_id = post(api)["id"]
    early = api.get(f"/v1/videos/{job_id}/playlist.m3u8")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_ready")
    token = work(store, storage, job_id, 1)

    job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["progress"], job["windows_done"], job["worker"]) == (
        "running",
        0.5,
        1,
        "worker-0",
    )
    assert [(s["index"], s["start_seconds"], s["duration_seconds"]) for s in job["segments"]] == [
        (0, 0, 1.041667)
    ]
    assert httpx.get(job["segments"][0]["url"]).content == b"segment 0"
    answer = httpx.get(job["playlist_url"], headers={"origin": "https://player.example.org"})
    assert answer.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in answer.text
    assert "#EXT-X-ENDLIST" not in answer.text
    init = re.search(r'URI="([^"]+)"', answer.text)
    assert init is not None
    assert httpx.get(init[1]).content == b"init"
    assert api.get(f"/v1/videos/{job_id}/content").json()["error"]["code"] == "not_ready"

    storage.put(keys.video(job_id), bytes(range(256)) * 4, "video/mp4")
    storage.put(keys.thumbnail(job_id), picture("JPEG"), "image/jpeg")
    artifacts = {"video_key": keys.video(job_id), "thumbnail_key": keys.thumbnail(job_id)}
    store.commit_window(job_id, token, segment(job_id, 1), timings={})
    store.finish(job_id, token, JobState.SUCCEEDED, artifacts=artifacts, timings={"total": 2.5})
    job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["progress"], job["timings"], job["eta_seconds"]) == (
        "succeeded",
        1.0,
        {"total": 2.5},
        None,
    )
    text = httpx.get(job["playlist_url"]).text
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert len(httpx.get(job["video_url"]).content) == 1024
    assert httpx.get(job["thumbnail_url"]).headers["content-type"] == "image/jpeg"
    video = api.get(f"/v1/videos/{job_id}").json()
    assert (video["status"], video["progress"]) == ("completed", 100)
    assert video["completed_at"] >= video["created_at"]
    assert storage.bucket not in str(video)
    assert "videos/" not in re.sub(r"https?://\S+", "", str(job)), "a storage key shows"


def test_ranges_and_etag(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    job_id = post(api)["id"]
    token = work(store, storage, job_id, 2)
    data = bytes(range(256)) * 4
    storage.put(keys.video(job_id), data, "video/mp4")
    store.finish(job_id, token, JobState.SUCCEEDED, artifacts={"video_key": keys.video(job_id)})
    url = f"/v1/videos/{job_id}/content"

    def ask(**headers: str) -> httpx.Response:
        return api.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    whole = ask()
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, data, "bytes")
    for wanted, start, end in [
        ("0-0", 0, 0),
        ("100-199", 100, 199),
        ("1000-", 1000, 1023),
        ("-24", 1000, 1023),
    ]:
        part = ask(range=f"bytes={wanted}")
        assert (part.status_code, part.content) == (206, data[start : end + 1])
        assert part.headers["content-range"] == f"bytes {start}-{end}/1024"
    assert ask(range="bytes=1000-9999").headers["content-range"] == "bytes 1000-1023/1024"
    for beyond in ("bytes=1024-", "bytes=-0"):
        answer = ask(range=beyond)
        assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1024")
    for ignored in ("bytes=9-1", "bytes=-", "bytes=0-1,5-6", "pages=1-2"):
        assert ask(range=ignored).status_code == 200
    etag = whole.headers["etag"]
    assert ask(if_none_match=etag).status_code == 304
    assert ask(range="bytes=0-9", if_range=etag).status_code == 206
    assert ask(range="bytes=0-9", if_range='"other"').status_code == 200


def test_cancel_keeps_what_is_finished(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    queued = post(api)["id"]
    answer = api.post(f"/v1/jobs/{queued}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert api.post(f"/v1/jobs/{queued}/cancel").json()["status"] == "canceled"

    job_id = post(api)["id"]
    token = work(store, storage, job_id, 1)
    assert api.post(f"/v1/jobs/{job_id}/cancel").json()["cancel_requested"]
    store.finish(job_id, token, JobState.CANCELED, error=JobError("canceled", "canceled on request"))
    assert "#EXT-X-ENDLIST" in api.get(f"/v1/videos/{job_id}/playlist.m3u8").text
    video = api.get(f"/v1/videos/{job_id}").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "canceled")
    assert api.get(f"/v1/videos/{job_id}/content").json()["error"]["code"] == "video_canceled"


def test_a_failed_job_is_readable(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    job_id = post(api)["id"]
    token = work(store, storage, job_id, 0)
    store.finish(job_id, token, JobState.FAILED, error=JobError("engine_failure", "it broke"))
    assert api.get(f"/v1/jobs/{job_id}").json()["error"] == {"code": "engine_failure", "message": "it broke"}
    assert api.get(f"/v1/videos/{job_id}").json()["error"] == {
        "code": "engine_failure",
        "message": "it broke",
    }


def test_delete_forgets_record_and_files(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    job_id = post(api)["id"]
    work(store, storage, job_id, 1)
    answer = api.delete(f"/v1/videos/{job_id}")
    assert answer.json() == {"id": job_id, "deleted": True, "object": "video.deleted"}
    assert api.get(f"/v1/jobs/{job_id}").status_code == 404
    assert not storage.exists(keys.segment(job_id, 0))


def test_lists_and_pages(api: httpx.Client, store: JobStore) -> None:
    ids = [post(api, metadata={"n": str(n % 2)})["id"] for n in range(5)]
    page = api.get("/v1/videos?limit=2").json()
    assert ([video["id"] for video in page["data"]], page["has_more"]) == ([ids[4], ids[3]], True)
    rest = api.get("/v1/videos", params={"limit": 5, "after": page["last_id"]}).json()
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == (ids[2::-1], False)
    store.request_cancel(ids[1])
    assert [job["id"] for job in api.get("/v1/jobs?status=canceled").json()["data"]] == [ids[1]]
    odd = api.get("/v1/jobs", params={"metadata[n]": "1"}).json()["data"]
    assert [job["id"] for job in odd] == [ids[3], ids[1]]
    assert api.get("/v1/jobs?after=nothing").json()["has_more"] is False


def test_idempotency_key(api: httpx.Client) -> None:
    def send(key: str, prompt: str) -> httpx.Response:
        return api.post("/v1/videos", json={"prompt": prompt}, headers={"idempotency-key": key})

    first = send("k1", "a")
    assert send("k1", "a").json()["id"] == first.json()["id"]
    conflict = send("k1", "b")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert send("k2", "a").json()["id"] != first.json()["id"]
    assert send("x" * 256, "a").json()["error"]["param"] == "idempotency-key"


def test_multipart_as_the_openai_sdk_sends_it(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    answer = api.post(
        "/v1/videos",
        data={
            "prompt": "a red ball",
            "seconds": "3",
            "size": "256x256",
            "seed": "9",
            "metadata[who]": "me",
            "shots[][prompt]": ["pans left", "zooms in"],
            "shots[][seconds]": ["1", "2"],
            "webhook_url": "http://127.0.0.1:9/",
            "webhook_events[]": ["video.completed", "video.failed"],
        },
        files={"input_reference": ("a.jpg", picture("JPEG"), "image/jpeg")},
    )
    assert answer.status_code == 202, answer.text
    spec = store.get(answer.json()["id"]).spec
    assert (spec.seconds, spec.num_frames, spec.seed, spec.metadata) == (3.0, 72, 9, {"who": "me"})
    assert [(shot.prompt, shot.seconds) for shot in spec.shots] == [("pans left", 1.0), ("zooms in", 2.0)]
    assert spec.webhook_events == ("video.completed", "video.failed")
    assert spec.image_key is not None
    assert Image.open(io.BytesIO(storage.get(spec.image_key))).size == (40, 30)


def test_shots_as_json_in_a_form(api: httpx.Client, store: JobStore) -> None:
    shots = '[{"prompt": "pans left", "seconds": 1}, {"prompt": "zooms in", "seconds": 2}]'
    data = {"shots": shots, "webhook_url": "http://127.0.0.1:9/", "webhook_events": "video.failed"}
    answer = api.post("/v1/videos", data=data, files={"image": picture()})
    assert answer.status_code == 202, answer.text
    spec = store.get(answer.json()["id"]).spec
    assert (spec.prompt, spec.seconds, spec.num_frames) == ("pans left", 3.0, 72)
    assert spec.webhook_events == ("video.failed",)


def test_the_queue_position_moves(api: httpx.Client, store: JobStore) -> None:
    first, second = post(api)["id"], post(api)["id"]
    assert api.get(f"/v1/jobs/{second}").json()["position"] == 2
    store.request_cancel(first)
    store.take(second, "worker-0")
    assert api.get(f"/v1/jobs/{second}").json()["position"] is None


def test_events_replay_and_end_with_the_job(api: httpx.Client, store: JobStore, storage: Storage) -> None:
    job_id = post(api)["id"]
    token = work(store, storage, job_id, 1)
    kinds: list[str] = []
    ids: list[str] = []
    with api.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
                if kinds[-1] == "window":
                    store.finish(job_id, token, JobState.SUCCEEDED)
            if line.startswith("id: "):
                ids.append(line.removeprefix("id: "))
    assert kinds == ["queued", "started", "window", "succeeded"]
    replay = api.get(f"/v1/jobs/{job_id}/events", headers={"last-event-id": ids[1]}).text
    assert re.findall(r"^event: (\w+)$", replay, re.MULTILINE) == ["window", "succeeded"]
    assert '"status":"succeeded"' in replay
    began = time.monotonic()
    assert "event:" not in api.get(f"/v1/jobs/{job_id}/events", headers={"last-event-id": ids[-1]}).text
    assert time.monotonic() - began < 4
    assert api.get(f"/v1/jobs/{job_id}/events", headers={"last-event-id": "x"}).status_code == 422


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode: str, api_settings: Settings) -> None:
    grey = np.full((20, 30), 0x80, np.uint8)
    image = (
        Image.fromarray(grey.astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(grey).convert(mode)
    )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    with Image.open(io.BytesIO(normalize(buffer.getvalue(), "image", api_settings))) as kept:
        assert (kept.mode, kept.size) == ("RGB", (30, 20))
        assert abs(np.asarray(kept).mean() - 0x80) < 4


def test_what_is_transparent_becomes_white(api_settings: Settings) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(buffer, "PNG")
    with Image.open(io.BytesIO(normalize(buffer.getvalue(), "image", api_settings))) as kept:
        assert kept.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_images_lose_everything_but_their_pixels(
    kind: str, api: httpx.Client, store: JobStore, storage: Storage
) -> None:
    image = Image.fromarray(np.linspace(0, 255, 60 * 40 * 3).astype(np.uint8).reshape(40, 60, 3))
    exif = image.getexif()
    exif[0x0112] = 6  # turned: to be shown a quarter turn clockwise
    exif[0x010E] = "a secret place"
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, quality=95)
    answer = api.post("/v1/videos", data={"prompt": "a"}, files={"image": buffer.getvalue()})
    assert answer.status_code == 202, answer.text
    key = store.get(answer.json()["id"]).spec.image_key
    assert key is not None
    stored = storage.get(key)
    assert b"secret" not in stored
    with Image.open(io.BytesIO(stored)) as kept:
        assert (kept.format, kept.mode, kept.size, dict(kept.getexif())) == ("PNG", "RGB", (40, 60), {})
        assert np.abs(np.asarray(kept).astype(int) - np.rot90(np.asarray(image), -1)).mean() < 6
