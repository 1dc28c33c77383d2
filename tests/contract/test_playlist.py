"""The playlist's text against golden files."""

from pathlib import Path

import pytest

from tests.contract.specs import segment
from worker.contract.playlist import file_name, render

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("name", "ended"), [("event.m3u8", False), ("vod.m3u8", True)])
def test_golden(name: str, ended: bool) -> None:
    segments = [segment("video_1", index) for index in range(3)]
    assert render(segments, file_name, fps=24, ended=ended) == (GOLDEN / name).read_text()


def test_names_come_from_the_key() -> None:
    text = render([segment("video_1", 0)], lambda key: f"https://s3/{key}?signed", fps=24, ended=True)
    assert '#EXT-X-MAP:URI="https://s3/videos/video_1/init.mp4?signed"' in text
    assert "\nhttps://s3/videos/video_1/00000.m4s?signed\n" in text
