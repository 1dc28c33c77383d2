"""What a training run needs to go on where it was stopped."""

import os
from pathlib import Path
from typing import Any

import torch


class Checkpoint:
    """Saves and restores named things that have state_dict / load_state_dict, with the step they were at."""

    def __init__(self, folder: Path, **parts: Any) -> None:
        self.path = folder / "checkpoint.pt"
        self.parts = parts

    def save(self, step: int) -> None:
        """Writes beside, then renames, so that a kill leaves the old file whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        torch.save(
            {
                "step": step,
                "rng": torch.get_rng_state(),
                **{k: v.state_dict() for k, v in self.parts.items()},
            },
            beside,
        )
        os.replace(beside, self.path)

    def resume(self) -> int:
        """Restores every part; returns the step to go on from, 0 where there is nothing to restore."""
        if not self.path.exists():
            return 0
        stored = torch.load(self.path, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(stored[name])
        torch.set_rng_state(stored["rng"])
        return int(stored["step"])
