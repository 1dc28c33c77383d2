"""The smallest real thing with the engine's face: frames follow from seed, window and carried state only."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import torch

from model.windows import prompt_at

FPS = 24
SIZE = 64


@dataclass(frozen=True)
class TinyWindow:
    index: int
    start_frame: int
    frames: np.ndarray
    state: dict[str, torch.Tensor]
    seconds: dict[str, float]
    made_at: float = field(default_factory=time.time)


class TinyEngine:
    """Drifts a textured picture; how far depends on the carried state, so a wrong resume shows.

    Args:
        step_seconds: time of one of the four steps a window takes; `check` is called before each.
        before_window: called with the window's index before it is made; may raise.
    """

    config = SimpleNamespace(fps=FPS, sizes=("64x64",))
    painter = "its own"

    def __init__(
        self, *, step_seconds: float = 0.0, before_window: Callable[[int], None] = lambda index: None
    ) -> None:
        self._step_seconds = step_seconds
        self._before_window = before_window

    def paint(
        self,
        prompt: str,
        *,
        seed: int,
        size: tuple[int, int] | None = None,
        check: Callable[[], None] | None = None,
    ) -> np.ndarray:
        rng = np.random.default_rng([seed, len(prompt)])
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        return np.kron(coarse, np.ones((SIZE // 8, SIZE // 8, 1), np.uint8))

    def generate(
        self,
        shots: Sequence,
        image: np.ndarray,
        *,
        num_frames: int,
        seed: int,
        size: tuple[int, int] | None = None,
        start_window: int = 0,
        state: dict[str, torch.Tensor] | None = None,
        check: Callable[[], None] | None = None,
        steer: Callable[[int], Sequence] | None = None,
    ) -> Iterator[TinyWindow]:
        offset = 0 if state is None else int(state["offset"])
        picture = image[:SIZE, :SIZE]
        for index, start, count in plan(num_frames):
            if index < start_window:
                continue
            self._before_window(index)
            shots = steer(index) if steer else shots
            started = time.perf_counter()
            for _ in range(4):
                if check:
                    check()
                time.sleep(self._step_seconds)
            speed = 1 + int(np.random.default_rng([seed, index, *_words(shots, start)]).integers(0, 4))
            frames = np.stack([np.roll(picture, offset + speed * i, axis=1) for i in range(count)])
            offset += speed * count
            seconds = {"denoise": time.perf_counter() - started, "decode": 0.0}
            yield TinyWindow(index, start, frames, {"offset": torch.tensor(offset)}, seconds)

    def describe(self) -> dict[str, str]:
        return {"model": "tiny"}


def _words(shots: Sequence, start: int) -> list[int]:
    """What a prompt other than the tests' usual one adds to a window's speed."""
    prompt = prompt_at(shots, start, FPS) if shots else "stripes"
    return [] if prompt == "stripes" else [zlib.crc32(prompt.encode())]


def plan(num_frames: int) -> list[tuple[int, int, int]]:
    """(index, start_frame, num_frames) of each window: 25 first, then 24, the last trimmed."""
    windows, start = [], 0
    while start < num_frames:
        count = min(25 if not windows else 24, num_frames - start)
        windows.append((len(windows), start, count))
        start += count
    return windows
