"""python -m model.plots {curve,drift} FILE... --out PICTURE: training curves (CSV) or drift (JSON of
model.evaluate), one line a file. Needs matplotlib (extra `train`)."""

import argparse
import csv
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

MOST_ACROSS = 4
ABOUT = {
    "sharpness": "of the first window's",
    "colour_shift": "of 255, from the first window's",
    "flow": "pixels a frame",
}


def curves(files: list[Path]) -> list[tuple[str, str, list[tuple[str, list[float], list[float]]]]]:
    """Panels (title, label of x, lines), one for each number that was noted; a line is (name, x, y)."""
    panels: dict[str, list[tuple[str, list[float], list[float]]]] = {}
    for path in files:
        rows = list(csv.DictReader(path.read_text().splitlines()))
        steps = [float(row["step"]) for row in rows]
        label = path.parent.name if path.stem == "curve" else path.stem
        for name in rows[0]:
            if name not in ("step", "minutes", "lr"):
                panels.setdefault(name, []).append((label, steps, [float(row[name]) for row in rows]))
    return [(name, "step", lines) for name, lines in panels.items()]


def drifts(files: list[Path]) -> list[tuple[str, str, list[tuple[str, list[float], list[float]]]]]:
    """Likewise, of each measure the mean over the pictures, window by window."""
    panels: dict[str, list[tuple[str, list[float], list[float]]]] = {}
    for path in files:
        found = list(json.loads(path.read_text())["drift"]["curves"].values())
        for name, told in ABOUT.items():
            means = [sum(values) / len(values) for values in zip(*(c[name] for c in found), strict=True)]
            windows = [float(i) for i in range(len(means))]
            panels.setdefault(f"{name.replace('_', ' ')}, {told}", []).append((path.stem, windows, means))
    return [(name, "window", lines) for name, lines in panels.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.plots", description="Curves as a picture.")
    parser.add_argument("what", choices=("curve", "drift"))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    panels = curves(args.files) if args.what == "curve" else drifts(args.files)
    across, down = min(len(panels), MOST_ACROSS), -(-len(panels) // MOST_ACROSS)
    figure = plt.figure(figsize=(4 * across, 3 * down))
    for place, (title, unit, lines) in enumerate(panels):
        _draw(figure.add_subplot(down, across, place + 1), title, unit, lines)
    figure.tight_layout()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)


def _draw(axis: Axes, title: str, unit: str, lines: list[tuple[str, list[float], list[float]]]) -> None:
    for name, x, y in lines:
        axis.plot(x, y, label=name, linewidth=1)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(unit, fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=7)


if __name__ == "__main__":
    main()
