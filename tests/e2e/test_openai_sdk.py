"""The OpenAI SDK, as it comes from PyPI, pointed at this server by nothing but its base_url."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import av
import openai
import pytest
from openai import OpenAI
from PIL import Image

from tests.service import running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    # The SDK says of every one of these calls that OpenAI's own service is gone.
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]
KEY = "sdk-secret"
PROMPT = "a red circle on a blue background, the camera pans left"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    folder = tmp_path_factory.mktemp("sdk")
    with (
        running(folder, MAGIC141_API_KEYS=f"sdk:{KEY}") as (_, url),
        OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as sdk,
    ):
        yield sdk


@pytest.fixture(scope="module")
def video(client: OpenAI) -> openai.types.Video:
    """A finished one of 2 s."""
    return client.videos.create_and_poll(prompt=PROMPT, seconds="2", extra_body={"seed": 7})  # type: ignore[arg-type]


def frames(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]


def test_create_and_poll(client: OpenAI, video: openai.types.Video) -> None:
    assert (video.status, video.progress, video.object, video.error) == ("completed", 100, "video", None)
    assert (video.model, video.size, video.seconds, video.prompt) == ("mini", "256x256", "2", PROMPT)
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at
    assert client.videos.retrieve(video.id) == video


def test_polling_is_told_when_to_come_back(client: OpenAI) -> None:
    answer = client.videos.with_raw_response.create(prompt=PROMPT, seconds="8")
    assert answer.status_code == 202
    job = answer.parse()
    polled = client.videos.with_raw_response.retrieve(job.id)
    assert 250 <= int(polled.headers["openai-poll-after-ms"]) <= 5000
    assert client.videos.poll(job.id).status == "completed"


def test_download_of_every_variant(client: OpenAI, video: openai.types.Video, tmp_path: Path) -> None:
    content = client.videos.download_content(video.id)
    assert len(frames(content.content)) == 48
    content.write_to_file(tmp_path / "video.mp4")
    assert (tmp_path / "video.mp4").read_bytes() == content.content
    for variant in ("thumbnail", "spritesheet"):
        picture = client.videos.download_content(video.id, variant=variant)  # type: ignore[arg-type]
        with Image.open(io.BytesIO(picture.content)) as opened:
            assert opened.format == "JPEG"


def test_range_and_etag(client: OpenAI, video: openai.types.Video) -> None:
    whole = client.videos.with_raw_response.download_content(video.id)
    part = client.videos.with_raw_response.download_content(video.id, extra_headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole.content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    with pytest.raises(openai.APIStatusError) as unchanged:
        client.videos.download_content(video.id, extra_headers={"If-None-Match": whole.headers["etag"]})
    assert unchanged.value.status_code == 304


def test_a_file_is_the_first_frame(client: OpenAI, tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(tmp_path / "ramp.png")
    ways = {"path": tmp_path / "ramp.png", "tuple": ("ramp.png", (tmp_path / "ramp.png").read_bytes())}
    thumbnails = []
    for reference in ways.values():
        made = client.videos.create_and_poll(
            prompt="the camera is still",
            seconds="1",
            input_reference=reference,
            extra_body={"seed": 1},  # type: ignore[arg-type]
        )
        assert made.status == "completed"
        thumbnails.append(client.videos.download_content(made.id, variant="thumbnail").content)
    assert thumbnails[0] == thumbnails[1]
    with Image.open(io.BytesIO(thumbnails[0])) as first:
        grey = first.convert("L")
    assert grey.getpixel((128, 20)) < 60 < 190 < grey.getpixel((128, 235))


def test_remix_edit_and_extension(client: OpenAI, video: openai.types.Video) -> None:
    remixed = client.videos.remix(video.id, prompt=PROMPT.replace("red", "green"))
    assert remixed.remixed_from_video_id == video.id
    # The SDK's types offer video={"id": ...}, and its code then raises before anything is sent.
    named = {"video": {"id": video.id}}
    edited = client.videos.edit(prompt=PROMPT.replace("left", "right"), video=openai.omit, extra_body=named)
    extended = client.videos.extend(
        prompt="the camera zooms in",
        seconds="1",  # type: ignore[arg-type]
        video=openai.omit,
        extra_body=named,
    )
    assert extended.seconds == "3"
    for made in (remixed, edited, extended):
        assert client.videos.poll(made.id).status == "completed"
    before = frames(client.videos.download_content(video.id).content)
    after = frames(client.videos.download_content(extended.id).content)
    assert (len(before), len(after)) == (48, 72)
    assert after[:25] == before[:25]  # the shared window's very bytes


def test_list_goes_through_all_pages(client: OpenAI, video: openai.types.Video) -> None:
    for _ in range(4):
        client.videos.create(prompt=PROMPT, seconds="1")  # type: ignore[arg-type]
    for order in ("asc", "desc"):
        ids = [found.id for found in client.videos.list(limit=2, order=order)]  # type: ignore[arg-type]
        assert len(ids) == len(set(ids)) >= 5
        assert ids == sorted(ids, reverse=order == "desc")
        assert video.id in ids


def test_delete(client: OpenAI) -> None:
    made = client.videos.create(prompt=PROMPT, seconds="1")  # type: ignore[arg-type]
    gone = client.videos.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError) as missing:
        client.videos.retrieve(made.id)
    assert missing.value.code == "not_found"


def test_a_failed_job_is_read_not_raised(client: OpenAI) -> None:
    late = client.videos.create_and_poll(
        prompt=PROMPT,
        seconds="12",
        extra_body={"deadline_seconds": 0.5},
    )
    assert late.status == "failed"
    assert late.error is not None
    assert (late.error.code, bool(late.error.message)) == ("deadline_passed", True)
    with pytest.raises(openai.ConflictError) as none:
        client.videos.download_content(late.id)
    assert none.value.code == "video_failed"


def test_extensions_of_ours_come_through_extra_body(client: OpenAI) -> None:
    shots = [{"prompt": "pans left", "seconds": 1}, {"prompt": "zooms in", "seconds": 1}]
    body = {"seed": 5, "metadata": {"who": "sdk"}, "priority": 1, "shots": shots}
    made = client.videos.create(prompt="a red star", extra_body=body)
    job = client.get(f"/jobs/{made.id}", cast_to=object)
    assert isinstance(job, dict), json.dumps(job)
    assert (job["seed"], job["metadata"]) == (5, {"who": "sdk"})
    assert [shot["prompt"] for shot in job["shots"]] == ["pans left", "zooms in"]


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"seconds": "1000"}, "seconds"),
        ({"size": "1x1"}, "size"),
        ({"model": "sora-2"}, "model"),
    ],
)
def test_errors_are_the_sdks_own(client: OpenAI, wish: dict[str, str], param: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.videos.create(**{"prompt": PROMPT, **wish})  # type: ignore[arg-type]
    assert (refused.value.param, refused.value.type) == (param, "invalid_request_error")
    assert refused.value.code == "invalid_value"


def test_a_wrong_key(client: OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="guess").videos.list()
