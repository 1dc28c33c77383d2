"""Segments join into one stream without a gap, and the final MP4 has the very same frames."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.worker.tiny_engine import FPS, TinyEngine
from worker import finish
from worker.segments import encode_segment

NUM_FRAMES = 60


@pytest.fixture(scope="module")
def source() -> list[np.ndarray]:
    engine = TinyEngine()
    picture = engine.paint("stripes", seed=3)
    return [window.frames for window in engine.generate((), picture, num_frames=NUM_FRAMES, seed=3)]


@pytest.fixture(scope="module")
def encoded(source: list[np.ndarray]) -> list[tuple[bytes, bytes]]:
    starts = np.cumsum([0] + [len(frames) for frames in source])
    return [
        encode_segment(frames, start_frame=int(start), fps=FPS, index=index)
        for index, (frames, start) in enumerate(zip(source, starts, strict=False))
    ]


def decode(data: bytes) -> tuple[list[Fraction], np.ndarray]:
    """Timestamps in frames, and RGB frames."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        return [f.pts * f.time_base * FPS for f in frames], np.stack(
            [f.to_ndarray(format="rgb24") for f in frames]
        )


def test_init_segment_is_the_same_for_every_window(encoded):
    assert len({init for init, _ in encoded}) == 1
    assert encoded[0][0][4:8] == b"ftyp"
    assert all(media[4:8] == b"moof" for _, media in encoded)


def test_same_frames_give_the_same_bytes(source, encoded):
    assert encode_segment(source[1], start_frame=25, fps=FPS, index=1) == encoded[1]


def test_joined_segments_have_continuous_time_and_every_frame(source, encoded):
    pts, frames = decode(encoded[0][0] + b"".join(media for _, media in encoded))
    assert pts == list(range(NUM_FRAMES))
    error = frames.astype(float) - np.concatenate(source)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 28  # 4:2:0 costs most of it on hard colour edges


def packets(data: bytes) -> list[tuple[Fraction, Fraction]]:
    """Each packet's place and length in frames; the file holds pictures and nothing else."""
    with av.open(io.BytesIO(data)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        found = [packet for packet in container.demux() if packet.dts is not None]
        assert all(packet.pts == packet.dts for packet in found)
        return [(p.dts * p.time_base * FPS, p.duration * p.time_base * FPS) for p in found]


def test_no_packet_is_longer_than_another_or_away_from_the_next(encoded, tmp_path: Path):
    """Neither inside a segment nor where two meet, nor in the file that they become."""
    fragments = encoded[0][0] + b"".join(media for _, media in encoded)
    joined, video = tmp_path / "joined.mp4", tmp_path / "video.mp4"
    joined.write_bytes(fragments)
    finish.remux(joined, video)
    alone = [packet for init, media in encoded for packet in packets(init + media)]
    assert alone == packets(fragments) == packets(video.read_bytes()) == [(n, 1) for n in range(NUM_FRAMES)]


def test_each_segment_decodes_alone_with_global_time(encoded):
    pts, frames = decode(encoded[1][0] + encoded[1][1])
    assert pts == list(range(25, 49))
    assert len(frames) == 24


def test_colours_survive_bt709():
    colours = [(200, 30, 40), (20, 180, 60), (30, 60, 220), (255, 255, 255), (0, 0, 0)]
    flat = np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in colours])
    init, media = encode_segment(flat, start_frame=0, fps=FPS, index=0)
    with av.open(io.BytesIO(init + media)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
    assert set(tags) == {1}  # 1 is BT.709 in the first three, limited range in the last
    _, frames = decode(init + media)
    assert np.abs(frames.astype(int) - flat).max() <= 6


def test_remux_copies_the_same_frames_behind_a_front_index(encoded, tmp_path: Path):
    joined, video = tmp_path / "joined.mp4", tmp_path / "video.mp4"
    joined.write_bytes(encoded[0][0] + b"".join(media for _, media in encoded))
    assert finish.remux(joined, video) == NUM_FRAMES
    data = video.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    pts, frames = decode(data)
    assert pts == list(range(NUM_FRAMES))
    np.testing.assert_array_equal(frames, decode(joined.read_bytes())[1])
    with av.open(str(video)) as container:
        assert container.duration == pytest.approx(NUM_FRAMES / FPS * av.time_base, abs=1)


def test_pictures_are_the_first_frame_and_a_sheet(encoded, tmp_path: Path):
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(encoded[0][0] + b"".join(media for _, media in encoded))
    thumbnail, sprites = finish.pictures(joined)
    assert av.open(io.BytesIO(thumbnail)).streams.video[0].width == 64
    assert av.open(io.BytesIO(sprites)).streams.video[0].width == 3 * 90


@pytest.mark.parametrize("frames", [np.zeros((2, 64, 64), np.uint8), np.zeros((2, 64, 63, 3), np.uint8)])
def test_wrong_frames_are_named(frames):
    with pytest.raises(ValueError, match=r"6[34]"):
        encode_segment(frames, start_frame=0, fps=FPS, index=0)
