"""Frames in, one fMP4 (CMAF) segment out. Knows no job, no storage, no playlist.

Every window gets a fresh encoder and a fresh muxer, so a segment depends on nothing but its frames and its
place: a resumed job writes the same bytes again. Timestamps are global (frame number of the whole video),
which is what makes players and ffprobe see one stream without a gap.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

CRF = 18

# empty_moov puts the track header first (the init segment); all packets then leave as one moof when the muxer
# closes. frag_discont keeps the global decode time, no edit list may shift it, and skip_trailer drops the
# index at the end that would name byte offsets of a file which does not exist.
_MUXER = {
    "movflags": "empty_moov+default_base_moof+frag_discont+negative_cts_offsets+skip_trailer",
    "use_editlist": "0",
    "fflags": "+bitexact",  # no version string of the library
}

# One thread and no look at the neighbours of a window: same frames, same bytes. The closed group of pictures
# with a key frame first is what lets a segment be decoded alone.
_X264 = "keyint=infinite:scenecut=0:bframes=0:open-gop=0:threads=1:lookahead-threads=1"


def encode_segment(frames: np.ndarray, *, start_frame: int, fps: int, index: int) -> tuple[bytes, bytes]:
    """Encode one window as H.264 in fragmented MP4.

    Args:
        frames: uint8 [N, H, W, 3], RGB; H and W even.
        start_frame: number of the first frame in the whole video; its timestamp is `start_frame / fps`
            seconds.
        fps: frames per second.
        index: place of the segment in the playlist, from 0.

    Returns:
        (init, media): the init segment (ftyp + moov, byte-identical for every window of one size and rate)
        and the media segment (moof + mdat).

    Raises:
        ValueError: frames of another shape or type.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 [N, H, W, 3] with N > 0, got {frames.dtype} {frames.shape}")
    _, height, width, _ = frames.shape
    if height % 2 or width % 2:
        raise ValueError(f"height and width must be even, got {height}x{width}")

    buffer = io.BytesIO()
    options = _MUXER | {"fragment_index": str(index + 1)}
    with av.open(buffer, "w", format="mp4", options=options) as container:
        stream = _add_stream(container, width, height, fps)
        reformatter = VideoReformatter()
        for offset, picture in enumerate(frames):
            frame = _to_yuv(reformatter, picture)
            frame.pts = start_frame + offset
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return _split(buffer.getvalue())


def _add_stream(container: av.container.OutputContainer, width: int, height: int, fps: int) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=fps)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, fps)
    context.thread_count = 1
    context.max_b_frames = 0
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.color_range = ColorRange.MPEG
    stream.options = {"preset": "veryfast", "crf": str(CRF), "profile": "high", "x264-params": _X264}
    return stream


def _to_yuv(reformatter: VideoReformatter, picture: np.ndarray) -> av.VideoFrame:
    """Full-range RGB [H, W, 3] to limited-range BT.709 4:2:0."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    yuv = reformatter.reformat(
        frame,
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
    )
    return yuv


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Cut a muxed file at its first moof: what comes before is the init segment."""
    offset = 0
    while offset < len(data):
        size, kind = int.from_bytes(data[offset : offset + 4], "big"), data[offset + 4 : offset + 8]
        if kind == b"moof":
            return data[:offset], data[offset:]
        offset += size
    raise ValueError("the muxer wrote no fragment")
