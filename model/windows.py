"""Which frames each window makes, and which prompt it follows. Plain arithmetic, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.config import EngineConfig


@dataclass(frozen=True)
class Shot:
    """A stretch of a video that follows one prompt."""

    prompt: str
    seconds: float


@dataclass(frozen=True)
class WindowPlan:
    """Window `index` yields frames [start_frame, start_frame + num_frames)."""

    index: int
    start_frame: int
    num_frames: int


def plan_windows(num_frames: int, config: EngineConfig) -> tuple[WindowPlan, ...]:
    """Covers `num_frames` frames, each once: the first window adds the picture and its frames, the last one
    is trimmed."""
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, not {num_frames}")
    plans: list[WindowPlan] = []
    start = 0
    while start < num_frames:
        room = config.window_frames + (1 if start == 0 else 0)
        plans.append(WindowPlan(len(plans), start, min(room, num_frames - start)))
        start += room
    return tuple(plans)


def prompt_at(shots: Sequence[Shot], start_frame: int, fps: int) -> str:
    """The prompt of the shot in which `start_frame` lies; past the end, the last shot's.

    A shot that ends within half a frame of it has ended: seconds are sums, and sums err.
    """
    end = 0.0
    for shot in shots:
        end += shot.seconds
        if start_frame + 0.5 < end * fps:
            return shot.prompt
    return shots[-1].prompt
