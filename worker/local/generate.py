"""`magic141 generate`: the engine alone, from a prompt to an MP4 file. No queue, no storage, no HTTP."""

import secrets
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from worker.contract.models import MODELS
from worker.finish import remux
from worker.segments import encode_segment


def generate(
    prompt: str,
    *,
    image: Path | None,
    seconds: float,
    seed: int | None,
    model: str,
    weights: str | None,
    out: Path,
    preview: Path | None = None,
) -> None:
    """Write `seconds` of video to `out`; the same arguments give the same frames. `preview`
    is a moving picture, written anew at every step: a window as it seems by then, in small.

    Raises ValueError for an empty prompt, an unknown model, a length out of its range, or a file that is no
    picture.
    """
    if not prompt.strip():
        raise ValueError("the prompt is empty")
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}; known: {', '.join(MODELS)}")
    info = MODELS[model]
    if not info.min_seconds <= seconds <= info.max_seconds:
        raise ValueError(f"--seconds must be {info.min_seconds:g} to {info.max_seconds:g}, got {seconds:g}")
    seed = secrets.randbits(31) if seed is None else seed
    picture = None if image is None else _read(image)
    # Here, so that a wrong argument is told at once: torch takes seconds to import.
    from model.load import load_engine
    from model.windows import Shot, plan_windows

    console = Console(stderr=True)
    began = time.monotonic()
    with console.status("loading the model"):
        engine = load_engine(model, weights)
    fps = engine.config.fps
    num_frames = round(seconds * fps)
    shots = (Shot(prompt, seconds),)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows"),
        TimeRemainingColumn(),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, Progress(*columns, console=console) as progress:
        windows = progress.add_task("painting", total=len(plan_windows(num_frames, engine.config)))
        if picture is None:
            picture = engine.paint(prompt, seed=seed)
        progress.update(windows, description="generating")
        joined = Path(scratch) / "joined.mp4"
        with joined.open("wb") as file:
            watch = None if preview is None else partial(_show, preview, fps)
            for window in engine.generate(shots, picture, num_frames=num_frames, seed=seed, watch=watch):
                init, media = encode_segment(
                    window.frames, start_frame=window.start_frame, fps=fps, index=window.index
                )
                file.write(media if window.index else init + media)
                progress.advance(windows)
        remux(joined, out)
    taken = time.monotonic() - began
    console.print(f"{out}: {num_frames} frames, seed {seed}, {taken:.1f} s", highlight=False)


def _show(file: Path, fps: int, window: int, frames: np.ndarray) -> None:
    """Whole at every moment, for viewers that look again when it changes."""
    first, *others = (Image.fromarray(frame) for frame in frames)
    beside = file.with_name(f".{file.name}")
    first.save(beside, "WEBP", save_all=True, append_images=others, duration=1000 // fps, loop=0)
    beside.replace(file)


def _read(path: Path) -> np.ndarray:
    """The picture as uint8 [H, W, 3], turned as its EXIF tag says."""
    try:
        with Image.open(path) as opened:
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"--image: {error}") from error
