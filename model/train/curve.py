"""The curve of a training: a CSV file, one row every few steps."""

import csv
from pathlib import Path

from torch import Tensor

EVERY = 10
SMOOTHING = 0.98


class Curve:
    """Running means of named numbers, beside step, minutes and learning rate; the header is written once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.running: dict[str, float] = {}
        self.noted: list[tuple[str, Tensor]] = []

    def note(self, name: str, value: Tensor) -> None:
        """A scalar, read at the next row only: to read one is to wait for the device."""
        self.noted.append((name, value))

    def write(self, step: int, minutes: float, lr: float) -> dict[str, str]:
        """Adds a row at every tenth step; returns what a progress bar shows."""
        if step % EVERY == 0:
            for name, value in self.noted:
                number = value.item()
                self.running[name] = SMOOTHING * self.running.get(name, number) + (1 - SMOOTHING) * number
            self.noted.clear()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not self.path.exists()
            with self.path.open("a", newline="") as file:
                rows = csv.writer(file)
                if fresh:
                    rows.writerow(["step", "minutes", "lr", *self.running])
                rows.writerow(
                    [step, f"{minutes:.2f}", f"{lr:.3e}", *(f"{v:.5f}" for v in self.running.values())]
                )
        shown = {name: f"{value:.4f}" for name, value in self.running.items()}
        return {**shown, "lr": f"{lr:.1e}"}
