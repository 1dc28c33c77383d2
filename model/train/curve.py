"""The curve of a training: a CSV file, one row every few steps."""

import csv
import os
from pathlib import Path

from torch import Tensor

EVERY = 10
SMOOTHING = 0.98


class Curve:
    """Running means of named numbers, beside step, minutes and learning rate. What is first noted in the
    midst of a training gets a column then, which is empty above."""

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
            row = {"step": str(step), "minutes": f"{minutes:.2f}", "lr": f"{lr:.3e}"}
            self._add(row | {name: f"{value:.5f}" for name, value in self.running.items()})
        shown = {name: f"{value:.4f}" for name, value in self.running.items()}
        return {**shown, "lr": f"{lr:.1e}"}

    def _add(self, row: dict[str, str]) -> None:
        rows: list[dict[str, str]] = []
        columns: list[str] = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                before = csv.DictReader(file)
                columns, rows = list(before.fieldnames or ()), list(before)
        wider = list(dict.fromkeys([*columns, *row]))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if columns == wider:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, wider, restval="").writerow(row)
            return
        beside = self.path.with_suffix(".new")
        with beside.open("w", newline="") as file:
            table = csv.DictWriter(file, wider, restval="")
            table.writeheader()
            table.writerows([*rows, row])
        os.replace(beside, self.path)  # what fails here leaves the old file whole
