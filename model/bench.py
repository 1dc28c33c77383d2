"""The engine's speed on this machine: stages, real-time factor, memory. No service; that has its own
bench."""

import platform
import resource
import time
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
import torch

from model.engine import Engine
from model.load import load_engine
from model.windows import Shot

PROMPT = "a red circle on a blue background, the camera pans left"


@dataclass(frozen=True)
class Run:
    """One video by the engine alone. Seconds of wall time; `realtime_factor` below 1 is faster than
    playing."""

    video_seconds: float
    total_seconds: float
    first_window_seconds: float
    window_seconds: float
    step_ms: float
    decode_ms: float
    realtime_factor: float
    peak_memory_mib: float


def machine() -> dict[str, object]:
    """What the figures carry with them."""
    found: dict[str, object] = {
        "cpu": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }
    try:
        with open("/proc/cpuinfo") as file:
            found["cpu"] = next(
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def peak_memory_mib() -> float:
    """The largest resident set this process has had, and on a GPU the largest allocation there."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return held + (torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0)


def run(engine: Engine, picture: np.ndarray, seconds: float) -> Run:
    began = time.perf_counter()
    first, stages = 0.0, []
    shots, frames = (Shot(PROMPT, seconds),), round(seconds * engine.config.fps)
    for window in engine.generate(shots, picture, num_frames=frames, seed=1):
        first = first or time.perf_counter() - began
        stages.append(window.seconds)
    total = time.perf_counter() - began
    denoise = median(stage["denoise"] for stage in stages)
    return Run(
        video_seconds=seconds,
        total_seconds=round(total, 3),
        first_window_seconds=round(first, 3),
        window_seconds=round(total / len(stages), 3),
        step_ms=round(1000 * denoise / engine.config.video_steps, 1),
        decode_ms=round(1000 * median(stage["decode"] for stage in stages), 1),
        realtime_factor=round(total / seconds, 3),
        peak_memory_mib=round(peak_memory_mib(), 1),
    )


def measure(model: str = "mini", lengths: tuple[float, ...] = (5.0, 60.0)) -> dict[str, object]:
    """Loads the model, paints a picture and makes a video of each length, shortest first."""
    began = time.perf_counter()
    engine = load_engine(model)
    loaded = time.perf_counter() - began
    engine.paint(PROMPT, seed=0)  # the first call pays for allocations that later ones find done
    began = time.perf_counter()
    picture = engine.paint(PROMPT, seed=1)
    painted = time.perf_counter() - began
    runs = [asdict(run(engine, picture, seconds)) for seconds in sorted(lengths)]
    return {
        "machine": machine(),
        "model": engine.describe(),
        "load_seconds": round(loaded, 3),
        "text_to_image_seconds": round(painted, 3),
        "runs": runs,
    }
