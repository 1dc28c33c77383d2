"""`magic141 bench`: the engine alone, then the whole service on the same machine, and what the second
costs more.

The service's video is measured from the moment the worker takes the job to its last stage; the engine's
from the call. To be alike both paint their picture first, encode what they make and remux it, so that the
difference is the queue, the storage and the records.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from worker.local.running import service

PROMPT = "a red circle on a blue background, the camera pans left"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="magic141 bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", action="store_true", help="one JSON document on standard output instead of tables"
    )
    parser.add_argument("--model", default="mini")
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0, 60.0], help="lengths of the videos")
    parser.add_argument(
        "--rounds", type=int, default=3, help="engine and service in turn, this many times; medians count"
    )
    args = parser.parse_args(argv)
    report = measure(args.model, tuple(sorted(args.seconds)), args.rounds, Console(stderr=True))
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        show(report, Console())
    return 0


def measure(model: str, lengths: tuple[float, ...], rounds: int, console: Console) -> dict[str, object]:
    """Engine stages, then rounds of engine alone against service for the longest video."""
    with console.status("the engine alone, by stages"):
        engine = json.loads(_python("-c", _STAGES, model, json.dumps(lengths)))
    alone, served, jobs = [], [], []
    with (
        tempfile.TemporaryDirectory(prefix="magic141-bench-") as folder,
        service(data_dir := Path(folder), console) as url,
    ):
        for seconds in lengths:
            with console.status(f"the service, {seconds:g} s of video"):
                job = _job(url, seconds)
                jobs.append(
                    {
                        "video_seconds": seconds,
                        **_figures(job),
                        "worker_peak_memory_mib": _peak_mib(data_dir),
                    }
                )
        for turn in range(rounds):
            with console.status(f"engine against service, turn {turn + 1} of {rounds}"):
                alone.append(float(_python("-c", _ALONE, model, str(lengths[-1]))))
                served.append(_figures(_job(url, lengths[-1]))["taken_to_done_seconds"])
    ratios = sorted(b / a for a, b in zip(alone, served, strict=True))
    versus = (
        {
            "video_seconds": lengths[-1],
            "engine_seconds": alone,
            "service_seconds": served,
            "ratio_median": round(ratios[len(ratios) // 2], 3),
        }
        if rounds
        else None
    )
    growth = jobs[-1]["worker_peak_memory_mib"] / jobs[0]["worker_peak_memory_mib"]
    return {
        "engine": engine,
        "service": jobs,
        "memory_growth": round(growth, 3),
        "service_against_engine": versus,
    }


def _figures(job: dict) -> dict[str, float]:
    timings = job["timings"]
    taken = timings["total"] - timings["queued"]
    return {
        "taken_to_done_seconds": round(taken, 3),
        "first_segment_seconds": timings["first_segment"],
        "realtime_factor": round(taken / float(job["seconds"]), 3),
        "timings": timings,
    }


def _job(url: str, seconds: float) -> dict:
    with httpx.Client(base_url=url, timeout=30.0) as http:
        posted = http.post(
            "/v1/videos", json={"prompt": PROMPT, "seconds": seconds, "seed": 1}
        ).raise_for_status()
        while True:
            job = http.get(posted.headers["location"]).raise_for_status().json()
            if job["status"] == "succeeded":
                return job
            if job["status"] in ("failed", "canceled"):
                raise RuntimeError(f"the job {job['status']}: {job['error']}")
            time.sleep(0.5)


def _peak_mib(data_dir: Path) -> float:
    """The largest resident set the worker has had (VmHWM)."""
    pid = (data_dir / "run" / "worker-0.pid").read_text().strip()
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def _python(*args: str) -> str:
    """A fresh process, so that no run inherits another's memory; its standard output."""
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"a benchmark process failed:\n{done.stderr[-2000:]}")
    return done.stdout


_STAGES = """
import json, sys
from model.bench import measure
print(json.dumps(measure(sys.argv[1], tuple(json.loads(sys.argv[2])))))
"""
_ALONE = """
import sys
from worker.local.bench import engine_seconds
print(engine_seconds(sys.argv[1], float(sys.argv[2])))
"""


def engine_seconds(model: str, seconds: float) -> float:
    """Seconds from a prompt to an MP4 in memory by a warm engine: paint, windows, encode, remux."""
    import av

    from model.load import load_engine
    from model.windows import Shot
    from worker.main import warm_up
    from worker.segments import encode_segment

    engine = load_engine(model)
    warm_up(engine)
    began = time.perf_counter()
    picture = engine.paint(PROMPT, seed=1)
    video = io.BytesIO()
    for window in engine.generate(
        [Shot(PROMPT, seconds)], picture, num_frames=round(seconds * engine.config.fps), seed=1
    ):
        init, media = encode_segment(
            window.frames, start_frame=window.start_frame, fps=engine.config.fps, index=window.index
        )
        video.write(media if window.index else init + media)
    video.seek(0)
    with av.open(video) as opened:
        assert opened.streams.video[0].codec_context.width == engine.config.width
    return time.perf_counter() - began


def show(report: dict, console: Console) -> None:
    runs = [
        "video_seconds",
        "total_seconds",
        "first_window_seconds",
        "step_ms",
        "decode_ms",
        "realtime_factor",
        "peak_memory_mib",
    ]
    jobs = [
        "video_seconds",
        "taken_to_done_seconds",
        "first_segment_seconds",
        "realtime_factor",
        "worker_peak_memory_mib",
    ]
    for title, columns, rows in (
        ("engine", runs, report["engine"]["runs"]),
        ("service", jobs, report["service"]),
    ):
        table = Table(*(column.replace("_", " ") for column in columns), title=title)
        for row in rows:
            table.add_row(*(f"{row[column]:g}" for column in columns))
        console.print(table)
    versus = report["service_against_engine"]
    if versus:
        console.print(f"service / engine: {versus['ratio_median']:.3f}")
    console.print(f"worker memory, longest / shortest video: {report['memory_growth']:.3f}")
    console.print(report["engine"]["machine"])
