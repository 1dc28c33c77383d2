"""python -m model.plots {curve,drift,seeds} FILE... --out PICTURE: training curves (CSV) or drift (JSON of
model.evaluate), one line a file; or what runs of several seeds came to (CSV), one line an arm. Needs
matplotlib (extra `train`)."""

import argparse
import csv
import json
from itertools import groupby
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

Line = tuple[str, list[float], list[float]]
Panels = list[tuple[str, str, list[Line]]]

MOST_ACROSS = 4
ABOUT = {
    "sharpness": "of the first window's",
    "colour_shift": "of 255, from the first window's",
    "flow": "pixels a frame",
}


def curves(files: list[Path]) -> Panels:
    """Panels (title, label of x, lines), one for each number that was noted; a line is (name, x, y)."""
    panels: dict[str, list[Line]] = {}
    for path in files:
        rows = list(csv.DictReader(path.read_text().splitlines()))
        label = path.parent.name if path.stem == "curve" else path.stem
        for name in rows[0]:
            if name not in ("step", "minutes", "lr"):
                noted = [row for row in rows if row[name]]  # what is learned later has no numbers before
                steps, values = ([float(row[key]) for row in noted] for key in ("step", name))
                panels.setdefault(name, []).append((label, steps, values))
    return [(name, "step", lines) for name, lines in panels.items()]


def drifts(files: list[Path]) -> Panels:
    """Likewise, of each measure the mean over the pictures, window by window."""
    panels: dict[str, list[Line]] = {}
    for path in files:
        found = list(json.loads(path.read_text())["drift"]["curves"].values())
        for name, told in ABOUT.items():
            means = [sum(values) / len(values) for values in zip(*(c[name] for c in found), strict=True)]
            windows = [float(i) for i in range(len(means))]
            panels.setdefault(f"{name.replace('_', ' ')}, {told}", []).append((path.stem, windows, means))
    return [(name, "window", lines) for name, lines in panels.items()]


def seeds(files: list[Path]) -> Panels:
    """Of files whose rows are (arm, seed, step, numbers): the seeds' lines of each arm after each other, all
    of the arm's name."""
    panels: dict[str, list[Line]] = {}
    for path in files:
        rows = csv.DictReader(path.read_text().splitlines())
        for (arm, _), found in groupby(rows, lambda row: (row["arm"], row["seed"])):
            run = list(found)
            steps = [float(row["step"]) for row in run]
            for name in run[0].keys() - {"arm", "seed", "step"}:
                panels.setdefault(name, []).append((arm, steps, [float(row[name]) for row in run]))
    return [(name, "step", panels[name]) for name in sorted(panels)]


READERS = {"curve": curves, "drift": drifts, "seeds": seeds}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.plots", description="Curves as a picture.")
    parser.add_argument("what", choices=tuple(READERS))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    panels = READERS[args.what](args.files)
    across, down = min(len(panels), MOST_ACROSS), -(-len(panels) // MOST_ACROSS)
    figure = plt.figure(figsize=(4 * across, 3 * down))
    for place, (title, unit, lines) in enumerate(panels):
        _draw(figure.add_subplot(down, across, place + 1), title, unit, lines, banded=args.what == "seeds")
    figure.tight_layout()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)


def _draw(axis: Axes, title: str, unit: str, lines: list[Line], *, banded: bool) -> None:
    """`banded`: lines of one name as their mean, in the band between the lowest and the highest."""
    for name, x, y in [] if banded else lines:
        axis.plot(x, y, label=name, linewidth=1)
    for name in dict.fromkeys(name for name, _, _ in lines if banded):
        _, xs, ys = zip(*(line for line in lines if line[0] == name), strict=True)
        points = list(zip(*ys, strict=True))
        axis.fill_between(xs[0], [min(p) for p in points], [max(p) for p in points], alpha=0.2)
        axis.plot(xs[0], [sum(p) / len(p) for p in points], label=name, linewidth=1)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(unit, fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=7)


if __name__ == "__main__":
    main()
