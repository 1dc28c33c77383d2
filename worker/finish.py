"""What a finished video leaves behind: the MP4, a thumbnail, a sprite sheet, the manifest.

Everything is read from the joined fragments (init segment + media segments, in order), which is the video
that was already playing; nothing is encoded a second time.
"""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
from PIL import Image

from worker.contract import keys
from worker.contract.job import Job, Segment
from worker.contract.playlist import file_name

SPRITE_COLUMNS = 5
MAX_SPRITES = 25
SPRITE_HEIGHT = 90
# The index first; no list may shift the start.
_FASTSTART = {"movflags": "+faststart", "use_editlist": "0", "fflags": "+bitexact"}
_VERSIONED = ("av", "diffusers", "numpy", "rq", "torch")


def join(get: Callable[[str], bytes], segments: tuple[Segment, ...], scratch: Path, out: Path) -> None:
    """Put the init segment and all media segments into one file, in order.

    Those that this slice rendered lie in `scratch` under their file names; the others, of earlier slices, are
    fetched by `get` (storage key to bytes).
    """
    folder = segments[0].key.rpartition("/")[0]
    with out.open("wb") as joined:
        joined.write(get(f"{folder}/init.mp4"))
        for segment in segments:
            kept = scratch / file_name(segment.key)
            joined.write(kept.read_bytes() if kept.exists() else get(segment.key))


def remux(joined: Path, out: Path) -> int:
    """Copy the packets of `joined` (fragmented MP4) into a faststart MP4 at `out`.

    Returns:
        The number of frames copied. Timestamps stay as they are: they are global already.
    """
    packets = 0
    with av.open(str(joined)) as source, av.open(str(out), "w", format="mp4", options=_FASTSTART) as target:
        track = source.streams.video[0]
        copy = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is None:  # the demuxer's end mark carries no frame
                continue
            packet.stream = copy
            target.mux(packet)
            packets += 1
    return packets


def pictures(joined: Path) -> tuple[bytes, bytes]:
    """The thumbnail (first frame, full size) and the sprite sheet, both as JPEG.

    Every segment starts with a key frame, so only those are decoded: one picture a window, whatever the
    length. The sheet shows up to 25 of them, evenly spread, row by row in five columns.
    """
    keyframes: list[Image.Image] = []
    with av.open(str(joined)) as source:
        stream = source.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        keyframes.extend(frame.to_image() for frame in source.decode(stream))
    return _jpeg(keyframes[0], quality=90), _jpeg(_sheet(_spread(keyframes, MAX_SPRITES)), quality=80)


def manifest(
    job: Job, segments: tuple[Segment, ...], engine: dict[str, Any], timings: dict[str, float]
) -> bytes:
    """Enough to make the same video again, as JSON: request, model and weight hashes, window table, versions.

    Args:
        engine: what `Engine.describe()` says.
        timings: seconds by stage.
    """
    spec = job.spec
    document = {
        "id": job.id,
        "prompt": spec.prompt,
        "shots": [{"prompt": shot.prompt, "seconds": shot.seconds} for shot in spec.shots],
        "image": spec.image_key or keys.image(job.id),
        "size": spec.size,
        "fps": spec.fps,
        "num_frames": spec.num_frames,
        "seed": spec.seed,
        "engine": engine,
        "windows": [
            {
                "index": s.index,
                "start_frame": s.start_frame,
                "num_frames": s.num_frames,
                "size_bytes": s.size_bytes,
            }
            for s in segments
        ],
        "timings": timings,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONED}},
    }
    return json.dumps(document, indent=2, sort_keys=True).encode()


def _spread(items: list[Image.Image], limit: int) -> list[Image.Image]:
    """At most `limit` of the items, evenly spaced, the first always among them."""
    if len(items) <= limit:
        return items
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    tile_width = max(1, round(width * SPRITE_HEIGHT / height))
    columns = min(SPRITE_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * tile_width, rows * SPRITE_HEIGHT))
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        sheet.paste(tile.resize((tile_width, SPRITE_HEIGHT)), (column * tile_width, row * SPRITE_HEIGHT))
    return sheet


def _jpeg(picture: Image.Image, *, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
