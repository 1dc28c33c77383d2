"""Engines with int8 weights, stored so."""

import shutil
from pathlib import Path

from model.quantize import store
from model.train.snapshot import write_strip

INT8 = ("int8", "int8-dynamic")  # what the training chain leaves beside the student


def quantise(engine: Path, folder: Path, how: str) -> None:
    """Writes the `engine` anew in `folder` with all linear layers of the DiT as PRECISIONS[how]."""
    shutil.copytree(
        engine,
        folder,
        ignore=shutil.ignore_patterns("checkpoint.*", "*.csv", "*.png", "step-*", "whole", "transformer"),
        dirs_exist_ok=True,
    )
    store(engine / "transformer", folder / "transformer", how)
    write_strip(folder)
