"""`magic141 bench gpu`: the 13 B geometry with random weights on this machine's GPU, setting by setting,
beside diffusers' stock pipeline; where there is no GPU, the same at a reduced scale, which the report
says."""

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = (
    "row",
    "step_ms",
    "tflops",
    "share_of_roofline",
    "resident_gib",
    "peak_memory_gib",
    "clip_seconds",
    "clip_against_stock",
    "realtime_factor",
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="magic141 bench gpu", description=__doc__.split(":")[0])
    parser.add_argument(
        "--json", action="store_true", help="one JSON document on standard output, not tables"
    )
    parser.add_argument(
        "--rows", default="*", help="comma list of patterns: sparse-*, *-81, stage decode-121"
    )
    parser.add_argument("--minutes", type=float, help="end the row under way then, and begin no other")
    parser.add_argument(
        "--out", type=Path, metavar="F.json", help="written after every row, so that a killed run leaves it"
    )
    parser.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, help="the blocks; without it, on a GPU only"
    )
    parser.add_argument("--quality", action=argparse.BooleanOptionalAction, default=True, help="on mini")
    args = parser.parse_args(argv)
    report = measure(args)
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        show(report, Console())
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from model.bench_gpu import measure as by_rows
    from model.bench_gpu import say, settings

    def keep(report: dict[str, Any]) -> None:
        if args.out:
            new = args.out.with_suffix(".new")
            new.write_text(json.dumps(report, indent=2) + "\n")
            new.replace(args.out)

    report = by_rows(rows=args.rows, minutes=args.minutes, compiled=args.compile, say=say, keep=keep)
    if args.quality:
        ours = [(one.attention, one.precision) for one in settings() if one.attention in ("dense", "sparse")]
        report["quality"] = quality(list(dict.fromkeys(ours)))
        say("quality: done")
        keep(report)
    return report


def quality(settings: list[tuple[str, str]]) -> dict[str, Any]:
    try:
        from model.evaluate.price import priced
    except ImportError as error:  # it looks at frames by OpenCV
        return {"not_run": f"{error}: pip install 'magic141[train]'"}
    return {"model": "mini, on this machine; sparse without any training for it", "rows": priced(settings)}


def show(report: dict[str, Any], console: Console) -> None:
    console.print(report["machine"])
    console.print(report["scale"], report["why_this_scale"], sep=": ")
    stages = Table("stage", "seconds", title="stages")
    for stage in report["stages"]:
        stages.add_row(stage["row"], str(stage.get("seconds", stage.get("not_run"))))
    console.print(stages)
    rows = Table(*(column.replace("_", " ") for column in COLUMNS), title="settings")
    for row in report["rows"]:
        figures = [str(row.get(column, "")) for column in COLUMNS]
        rows.add_row(*figures if "not_run" not in row else (row["row"], row["not_run"]))
    console.print(rows)
    for row in report.get("quality", {}).get("rows", []):
        console.print(row)
