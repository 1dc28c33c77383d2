"""A light load generator: bytes over kept connections, and of an answer only its status and length."""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


def request(url: str, method: str, path: str, body: bytes = b"") -> bytes:
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{kind}\r\n".encode() + body


async def load(url: str, sent: bytes, *, status: int, seconds: float, connections: int) -> list[float]:
    """The seconds that each answer took. Raises RuntimeError at another status."""
    until = time.perf_counter() + seconds
    taken: list[float] = []

    async def client() -> None:
        reader, writer = await _open(url)
        while (began := time.perf_counter()) < until:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            length = lower.partition(b"content-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length))
            if int(head[9:12]) != status:
                raise RuntimeError(f"answered {head[9:12].decode()}, not {status}: {body.decode()}")
            taken.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return taken


async def hold(url: str, sent: bytes, number: int) -> list[asyncio.StreamWriter]:
    """Open so many event streams and read each one's first event. Raises RuntimeError where there is none."""
    held = []
    for _ in range(number):
        reader, writer = await _open(url)
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"no stream: {head[:40].decode()}")
        await reader.readuntil(b"data:")
        held.append(writer)
    return held


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
