"""Hostile pictures, at a process of the API with its limits as they are: refused, and cheaply."""

import base64
import hashlib
import io
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image
from redis import Redis

from tests.app.hostile_images import chunk, hostile, png, saved
from tests.service import ROOT, clean_env
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.local.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MAX_GROWTH_MIB = 200
CODES = {"not_an_image", "broken_image", "image_too_many_pixels", "image_too_large"}
HOSTILE = hostile()


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[tuple[int, httpx.Client]]:
    """The process and a client of it."""
    port = free_port()
    named = settings.model_dump(
        include={"redis_url", "s3_endpoint", "s3_bucket", "s3_access_key", "s3_secret_key"}
    )
    env = clean_env(**{f"MAGIC141_{name.upper()}": str(value) for name, value in named.items()})
    process = subprocess.Popen(
        [sys.executable, "-m", "app.serve"],
        cwd=ROOT,
        env={**env, "MAGIC141_PORT": str(port), "MAGIC141_LOG_LEVEL": "warning"},
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        try:
            while process.poll() is None and not _up(client):
                time.sleep(0.05)
            posted(client, saved("PNG"))  # what it loads for a first picture is no growth
            yield process.pid, client
        finally:
            process.terminate()
            process.wait()


def _up(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def status_mib(pid: int, field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def posted(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("/v1/videos", data={"prompt": "a"}, files={"image": ("a.png", data, "image/png")})


def as_url(client: httpx.Client, data: bytes) -> httpx.Response:
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    return client.post("/v1/videos", json={"prompt": "a", "input_reference": {"image_url": url}})


def refused(answer: httpx.Response, name: str) -> None:
    assert answer.status_code in (413, 422), (name, answer.status_code, answer.text)
    error = answer.json()["error"]
    assert error["code"] in CODES, (name, error)
    assert error["param"] in ("image", "input_reference.image_url")


def reset(pid: int) -> float:
    """Resident now, in MiB; the high-water mark starts anew from it."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status_mib(pid, "VmRSS")


def test_each_is_refused_in_little_memory(served: tuple[int, httpx.Client], redis: Redis) -> None:
    pid, client = served
    assert len(HOSTILE) >= 30
    grown = {}
    for name, data in HOSTILE.items():
        for ask in (posted, as_url):
            before = reset(pid)
            refused(ask(client, data), name)
            grown[name, ask.__name__] = status_mib(pid, "VmHWM") - before
    worst = max(grown, key=lambda key: grown[key])
    assert grown[worst] < MAX_GROWTH_MIB, (worst, grown[worst])
    assert redis.keys("magic141:job:*") == []


def test_eight_at_once_take_no_more(served: tuple[int, httpx.Client], redis: Redis) -> None:
    pid, client = served
    worst = [name for name, data in HOSTILE.items() if len(data) < 2**20] * 2
    before = reset(pid)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: posted(client, HOSTILE[name]), worst))
        assert client.get("/health/live").status_code == 200
    for name, answer in zip(worst, answers, strict=True):
        refused(answer, name)
    assert status_mib(pid, "VmHWM") - before < MAX_GROWTH_MIB


def stored(client: httpx.Client, storage: Storage, redis: Redis, data: bytes) -> tuple[bytes, Image.Image]:
    answer = posted(client, data)
    assert answer.status_code == 202, answer.text
    key = re.search(
        rb'"image_key": "(inputs/[0-9a-f]+)"', redis.hget(f"magic141:job:{answer.json()['id']}", "spec")
    )
    assert key
    kept = storage.get(key[1].decode())
    assert key[1].decode() == f"inputs/{hashlib.sha256(kept).hexdigest()}"
    return kept, Image.open(io.BytesIO(kept))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_and_camera_are_not_kept(
    kind: str, served: tuple[int, httpx.Client], storage: Storage, redis: Redis
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825)[29] = "SECRET place"
    more: dict[str, object] = {"xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>"} if kind != "PNG" else {}
    data = saved(kind, exif=exif, icc_profile=b"SECRET profile" * 20, **more)
    assert b"SECRET" in data
    kept, image = stored(served[1], storage, redis, data)
    assert b"SECRET" not in kept
    assert (dict(image.getexif()), image.info) == ({}, {})


ORIENTED = {1: "rg", 2: "gr", 3: "wb", 4: "bw", 5: "rb", 6: "br", 7: "wg", 8: "gw"}
"""By EXIF's number: the upper corners, left and right, of a picture of red, green, blue and white corners."""


@pytest.mark.parametrize("turn", range(9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_orientation_is_heeded(
    turn: int, kind: str, served: tuple[int, httpx.Client], storage: Storage, redis: Redis
) -> None:
    image = Image.new("RGB", (2, 2))
    colours = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), "w": (255, 255, 255)}
    image.putdata([colours[name] for name in "rgbw"])
    image = image.resize((2400, 1200), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = turn
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    _, kept = stored(served[1], storage, redis, buffer.getvalue())
    assert kept.size == ((2048, 1024) if turn < 5 else (1024, 2048))
    corners = [kept.getpixel((x, 20)) for x in (20, kept.width - 20)]
    nearest = [
        min(colours, key=lambda n: sum(abs(a - b) for a, b in zip(colours[n], at, strict=True)))
        for at in corners
    ]
    assert "".join(nearest) == ORIENTED.get(turn, "rg")


@pytest.mark.parametrize(
    ("kind", "mode", "colour", "seen"),
    [
        ("JPEG", "CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("JPEG", "L", 128, (128, 128, 128)),
        ("PNG", "I;16", 128 * 256, (128, 128, 128)),
        ("PNG", "LA", (0, 128), (127, 127, 127)),
        ("PNG", "RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("PNG", "1", 1, (255, 255, 255)),
        ("PNG", "P", 0, (10, 20, 30)),
        ("WEBP", "RGBA", (0, 0, 0, 0), (255, 255, 255)),
    ],
)
def test_odd_modes_are_read_rightly(
    kind: str,
    mode: str,
    colour: int | tuple[int, ...],
    seen: tuple[int, int, int],
    served: tuple[int, httpx.Client],
    storage: Storage,
    redis: Redis,
) -> None:
    image = Image.new(mode, (3000, 700), colour)
    if mode == "P":
        image.putpalette([10, 20, 30, 40, 50, 60])
    buffer = io.BytesIO()
    image.save(buffer, kind)
    _, kept = stored(served[1], storage, redis, buffer.getvalue())
    assert (kept.mode, kept.size) == ("RGB", (2048, 478))
    for at in ((0, 0), (2047, 477), (1000, 300)):
        assert all(abs(a - b) <= 2 for a, b in zip(kept.getpixel(at), seen, strict=True)), kept.getpixel(at)


def test_a_palette_index_out_of_range_crashes_nothing(
    served: tuple[int, httpx.Client], storage: Storage, redis: Redis
) -> None:
    rows = (b"\0" + b"\xff" * 8) * 8
    data = png(8, 8, 8, 3, before=chunk(b"PLTE", b"\xff\0\0"), idat=zlib.compress(rows))
    _, kept = stored(served[1], storage, redis, data)
    assert kept.size == (8, 8)


def test_the_largest_that_is_taken_stays_small(
    served: tuple[int, httpx.Client], storage: Storage, redis: Redis
) -> None:
    pid, client = served
    data = saved("PNG", "P", (6300, 6300))
    before = reset(pid)
    _, kept = stored(client, storage, redis, data)
    assert kept.size == (2048, 2048)
    assert status_mib(pid, "VmHWM") - before < MAX_GROWTH_MIB
