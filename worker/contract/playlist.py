"""The HLS media playlist as text (RFC 8216), from committed segments. Pure: no clock, no storage."""

from collections.abc import Callable, Sequence

from worker.contract.job import Segment
from worker.contract.keys import video_of

TARGET_DURATION_SECONDS = 2
"""A constant above the longest window: players reload by it, and it must never change within a playlist."""


def render(segments: Sequence[Segment], url_for: Callable[[str], str], *, fps: int, ended: bool) -> str:
    """Text of the playlist.

    `url_for` turns a storage key into what the playlist names: a signed URL (app) or a file name (worker).
    The init segment is `init.mp4` in the first segment's folder; it is the same for every window.
    """
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{TARGET_DURATION_SECONDS}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        # Without it native players start at the live edge and skip what was rendered first.
        "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES",
    ]
    if segments:
        folder = segments[0].key.rpartition("/")[0]
        lines.append(f'#EXT-X-MAP:URI="{url_for(f"{folder}/init.mp4")}"')
    for segment in segments:
        lines.append(f"#EXTINF:{segment.num_frames / fps:.6f},")
        lines.append(url_for(segment.key))
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def file_name(key: str) -> str:
    return key.rpartition("/")[2]


def name_beside(job_id: str, key: str) -> str:
    """`url_for` of the playlist in a job's own folder; some segments may lie in other jobs' folders."""
    owner = video_of(key)
    return file_name(key) if owner == job_id else f"../{owner}/{file_name(key)}"
