"""What does an engine weigh, and how fast is it?"""

import time
from pathlib import Path

import numpy as np

from model.engine import Engine
from model.quantize import held_bytes
from model.windows import Shot

ROUNDS = 5


def cost(engine: Engine, folder: Path, picture: np.ndarray) -> dict[str, object]:
    """Bytes of the DiT's weights as they are stored and as they are held, and seconds of denoising and of
    decoding a later window (the median of five)."""
    stored = sum(path.stat().st_size for path in (folder / "transformer").glob("*.safetensors"))
    frames = 1 + (ROUNDS + 2) * engine.config.window_frames
    began, seconds = time.perf_counter(), []
    for window in engine.generate([Shot("pan left", 60.0)], picture, num_frames=frames, seed=0):
        if window.index >= 2:
            seconds.append([window.seconds["denoise"], window.seconds["decode"]])
    denoise, decode = np.median(seconds, axis=0).round(4).tolist()
    return {
        "stored_bytes": stored,
        "held_bytes": held_bytes(engine.transformer),
        "denoise_seconds": denoise,
        "decode_seconds": decode,
        "windows_seconds": round(time.perf_counter() - began, 3),
    }
