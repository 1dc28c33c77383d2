"""Bad input gets a 4xx that names the field, and leaves no job behind."""

import base64
import struct
import zlib
from typing import Any

import httpx
import pytest

from tests.app.conftest import picture

OK = {"prompt": "a red ball"}


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 50000 x 50000."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


BODIES: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "prompt"),
    ({"prompt": ""}, 422, "prompt"),
    ({"prompt": " \n "}, 422, "prompt"),
    ({"prompt": None}, 422, "prompt"),
    ({"prompt": 7}, 422, "prompt"),
    ({"prompt": "x" * 101}, 422, "prompt"),
    (OK | {"seconds": 0}, 422, "seconds"),
    (OK | {"seconds": 121}, 422, "seconds"),
    (OK | {"seconds": -4}, 422, "seconds"),
    (OK | {"seconds": "long"}, 422, "seconds"),
    (OK | {"seconds": "nan"}, 422, "seconds"),
    (OK | {"seconds": "inf"}, 422, "seconds"),
    (OK | {"seconds": True}, 422, "seconds"),
    (OK | {"seconds": []}, 422, "seconds"),
    (OK | {"model": "sora-2"}, 422, "model"),
    (OK | {"model": 3}, 422, "model"),
    (OK | {"size": "720x1280"}, 422, "size"),
    (OK | {"size": "big"}, 422, "size"),
    (OK | {"seed": -1}, 422, "seed"),
    (OK | {"seed": 2**32}, 422, "seed"),
    (OK | {"seed": 1.5}, 422, "seed"),
    (OK | {"seed": True}, 422, "seed"),
    (OK | {"seed": "x"}, 422, "seed"),
    (OK | {"negative_prompt": "blurry"}, 422, "negative_prompt"),
    (OK | {"shots": []}, 422, "shots"),
    (OK | {"shots": "x"}, 422, "shots"),
    (OK | {"shots": [{"prompt": "a"}]}, 422, "shots.0.seconds"),
    (OK | {"shots": [{"prompt": "a", "seconds": 1}, {"prompt": "", "seconds": 1}]}, 422, "shots.1.prompt"),
    (OK | {"shots": [{"prompt": "a", "seconds": 0}]}, 422, "shots.0.seconds"),
    (OK | {"shots": [{"prompt": "a", "seconds": 1, "x": 1}]}, 422, "shots.0.x"),
    (OK | {"shots": [{"prompt": "a", "seconds": 2}], "seconds": 3}, 422, "shots"),
    (OK | {"shots": [{"prompt": "a", "seconds": 100}] * 2}, 422, "seconds"),
    (OK | {"shots": [{"prompt": "a", "seconds": 1}] * 17}, 422, "shots"),
    (OK | {"priority": 11}, 422, "priority"),
    (OK | {"priority": "high"}, 422, "priority"),
    (OK | {"deadline_seconds": 0}, 422, "deadline_seconds"),
    (OK | {"deadline_seconds": "soon"}, 422, "deadline_seconds"),
    (OK | {"metadata": []}, 422, "metadata"),
    (OK | {"metadata": {"a": 1}}, 422, "metadata.a"),
    (OK | {"metadata": {str(n): "x" for n in range(17)}}, 422, "metadata"),
    (OK | {"metadata": {"a": "x" * 513}}, 422, "metadata"),
    (OK | {"webhook_url": "not a url"}, 422, "webhook_url"),
    (OK | {"webhook_url": "ftp://93.184.215.14/"}, 422, "webhook_url"),
    (OK | {"webhook_url": "http://"}, 422, "webhook_url"),
    (OK | {"webhook_events": ["video.exploded"]}, 422, "webhook_events.0"),
    (OK | {"webhook_events": "x"}, 422, "webhook_events"),
    (OK | {"colour": "red"}, 422, "colour"),
    (OK | {"image": "http://127.0.0.1/a.png"}, 422, "image"),
    (OK | {"image": "http://169.254.169.254/"}, 422, "image"),
    (OK | {"image": "http://[::1]:80/"}, 422, "image"),
    (OK | {"image": "file:///etc/passwd"}, 422, "image"),
    (OK | {"image": ""}, 422, "image"),
    (OK | {"image": "data:image/png;base64,%%%"}, 422, "image"),
    (OK | {"image": "data:text/plain,hello"}, 422, "image"),
    (OK | {"image": data_url(b"GIF89a not an image")}, 422, "image"),
    (OK | {"image": data_url(b"")}, 422, "image"),
    (OK | {"image": data_url(picture()[:60])}, 422, "image"),
    (OK | {"image": data_url(bomb())}, 422, "image"),
    (OK | {"image": data_url(picture("PNG", (1001, 1000)))}, 422, "image"),
    (OK | {"image": data_url(picture("GIF"))}, 422, "image"),
    (OK | {"image": data_url(bytes(300_001))}, 413, "image"),
    (OK | {"input_reference": {"image_url": "http://10.0.0.1/"}}, 422, "input_reference.image_url"),
    (OK | {"input_reference": {"file_id": "file_1"}}, 422, "input_reference.image_url"),
    (OK | {"input_reference": "x"}, 422, "input_reference"),
    (OK | {"image": data_url(picture()), "input_reference": {"image_url": "data:,"}}, 422, "input_reference"),
]


def refused(answer: httpx.Response, status: int, param: str | None) -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param, error
    assert error["message"]
    assert error["code"]


@pytest.mark.parametrize(
    ("body", "status", "param"), BODIES, ids=[f"{n}-{b[2]}" for n, b in enumerate(BODIES)]
)
def test_json(body: dict[str, Any], status: int, param: str, api: httpx.Client) -> None:
    refused(api.post("/v1/videos", json=body), status, param)
    assert api.get("/v1/jobs").json()["data"] == []


RAW: list[tuple[bytes, str, int, str | None]] = [
    (b"{", "application/json", 400, None),
    (b"", "application/json", 400, None),
    (b"[]", "application/json", 400, None),
    (b'"prompt"', "application/json", 400, None),
    (b'{"prompt": "a", "seconds": NaN}', "application/json", 400, None),
    (b'{"prompt": "\\ud800"}', "application/json", 400, None),
    (b"\xff\xfe", "application/json", 400, None),
    (b"[" * 100_000, "application/json", 400, None),
    (b'{"prompt": "a", "seconds": ' + b"9" * 5000 + b"}", "application/json", 400, None),
    (b'{"prompt": "a", "seconds": 1e999}', "application/json", 422, "seconds"),
    (b'{"prompt": "a"}' + b" " * 1_500_000, "application/json", 413, None),
    (b"prompt=a", "application/x-www-form-urlencoded", 415, "content-type"),
    (b'{"prompt": "a"}', "text/plain", 415, "content-type"),
    (b"--x", "multipart/form-data", 400, None),
    (b"prompt", "multipart/form-data; boundary=x", 400, None),
]


@pytest.mark.parametrize(("body", "kind", "status", "param"), RAW, ids=range(len(RAW)))
def test_raw(body: bytes, kind: str, status: int, param: str | None, api: httpx.Client) -> None:
    refused(api.post("/v1/videos", content=body, headers={"content-type": kind}), status, param)


def test_multipart(api: httpx.Client) -> None:
    def post(data: dict[str, Any], **files: Any) -> httpx.Response:
        return api.post("/v1/videos", data=data, files=files or {"x": None})

    text = ("a.txt", b"no image at all", "image/png")
    refused(api.post("/v1/videos", data=OK, files={"image": text}), 422, "image")
    refused(api.post("/v1/videos", data=OK, files={"input_reference": text}), 422, "input_reference")
    refused(api.post("/v1/videos", data=OK, files={"video": text}), 422, "video")
    refused(api.post("/v1/videos", data=OK, files={"image": ("a.png", bomb())}), 422, "image")
    refused(api.post("/v1/videos", data={}, files={"image": ("a.png", picture())}), 422, "prompt")
    refused(api.post("/v1/videos", data=OK | {"shots": "[{"}, files={"image": picture()}), 422, "shots")
    refused(api.post("/v1/videos", data=OK | {"seed": "x"}, files={"image": picture()}), 422, "seed")
    refused(api.post("/v1/videos", data=OK, files={"image": ("a.png", bytes(300_001))}), 413, "image")
    refused(api.post("/v1/videos", data=OK, files={"image": ("a.png", bytes(1_500_000))}), 413, None)


def test_unknown_places_and_methods(api: httpx.Client) -> None:
    refused(api.get("/v1/nothing"), 404, None)
    refused(api.put("/v1/videos"), 405, None)
    refused(api.get("/v1/jobs/video_0"), 404, None)
    refused(api.get("/v1/videos/video_0/content"), 404, None)
    refused(api.delete("/v1/videos/video_0"), 404, None)
    refused(api.get("/v1/jobs?status=lost"), 422, "status")
    refused(api.get("/v1/jobs?limit=0"), 422, "limit")
    refused(api.get("/v1/videos?order=up"), 422, "order")


def test_a_webhook_is_refused_where_nothing_could_be_signed(api_settings: Any) -> None:
    from app.parse import to_spec
    from app.requests import VideoRequest
    from app.services import build
    from worker.contract.errors import InvalidRequest

    services = build(api_settings.model_copy(update={"webhook_secret": None}))
    request = VideoRequest(prompt="a", webhook_url="http://127.0.0.1/")
    with pytest.raises(InvalidRequest, match="no webhook secret"):
        to_spec(request, "anonymous", services)
