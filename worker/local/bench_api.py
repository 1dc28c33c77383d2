"""`magic141 bench api`: requests a second against empty FastAPI routes, turn by turn in one run.

The API, Redis, S3 and, for the last figure, a worker are real processes, as `magic141 up` starts them.
No worker runs while throughput is measured, and polls come before creates, so that one job waits in the line.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from worker.local.child import start_child, stop_child
from worker.local.load import hold, load, percentile, request
from worker.local.ports import free_port
from worker.local.redis import start_redis
from worker.local.s3 import start_s3

BODY = b'{"prompt": "a red circle on a blue background", "seconds": 4, "seed": 1}'
LONG = {"prompt": "a red circle on a blue background", "seconds": 60, "seed": 1}
QUEUE_LIMIT = "1000000"  # what is measured is creating, not refusing
START_SECONDS = 120.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="magic141 bench api", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", action="store_true", help="one JSON document on standard output, not a table"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each arm in turn; medians count")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one arm in one round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--no-render", action="store_true", help="leave out the polls while a job renders")
    args = parser.parse_args(argv)
    report = asyncio.run(measure(args))
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        show(report, Console())
    return 0


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Raises RuntimeError when a process does not start or an answer has the wrong status."""
    wanted = 2 * args.streams + 256  # a stream has a socket of its client and one of Redis
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    with tempfile.TemporaryDirectory(prefix="magic141-bench-") as folder:
        return await _measure(Path(folder), args)


async def _measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    with services(folder) as (api, empty, api_pid, env):
        job = request(api, "GET", f"/v1/jobs/{_created(api)}")

        async def turns(ours: bytes, theirs: bytes, status: int) -> dict[str, Any]:
            rates: tuple[list[float], list[float]] = ([], [])
            for turn in range(args.rounds + 1):
                for (url, sent), kept in zip(((api, ours), (empty, theirs)), rates, strict=True):
                    load_of = load(
                        url, sent, status=status, seconds=args.seconds, connections=args.connections
                    )
                    taken = await load_of
                    if turn:  # the first warms up
                        kept.append(len(taken) / args.seconds)
            return _against(*rates)

        poll = await turns(job, request(empty, "GET", "/read"), 200)
        streams = await _streams(
            api, api_pid, job.replace(b" HTTP/1.1", b"/events HTTP/1.1", 1), args.streams
        )
        create = await turns(
            request(api, "POST", "/v1/videos", BODY), request(empty, "POST", "/write", BODY), 202
        )
        rendering = None
    if not args.no_render:
        with services(folder / "render") as (api, empty, api_pid, env):
            rendering = await _rendering(api, env, folder / "worker.log", args)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "rounds": args.rounds,
        "round_seconds": args.seconds,
        "connections": args.connections,
        "create": create,
        "poll": poll,
        "poll_while_rendering": rendering,
        "streams": streams,
    }


def _against(ours: list[float], empty: list[float]) -> dict[str, Any]:
    return {
        "per_second": round(statistics.median(ours), 1),
        "empty_per_second": round(statistics.median(empty), 1),
        "ratios": [round(a / b, 3) for a, b in zip(ours, empty, strict=True)],
        "ratio_median": round(statistics.median(a / b for a, b in zip(ours, empty, strict=True)), 3),
    }


async def _streams(api: str, pid: int, sent: bytes, number: int) -> dict[str, float]:
    before = _resident_mib(pid)
    held = await hold(api, sent, number)
    await asyncio.sleep(3)  # more than one wait for events
    resident = _resident_mib(pid)
    for writer in held:
        writer.close()
    await asyncio.sleep(3)  # the server notices
    return {"open": number, "resident_before_mib": before, "resident_mib": resident}


async def _rendering(api: str, env: dict[str, str], log: Path, args: argparse.Namespace) -> dict[str, float]:
    """One client polls a job that renders, 20 ms after each answer."""
    worker = start_child([sys.executable, "-m", "worker.main", "--name", "worker-0"], log=log, env=env)
    try:
        where = httpx.post(f"{api}/v1/videos", json=LONG).raise_for_status().headers["location"]
        taken = []
        with httpx.Client(base_url=api, timeout=30) as client:
            _wait(lambda: client.get(where).json()["windows_done"] > 0, "the worker renders nothing", log)
            until = time.monotonic() + args.rounds * args.seconds
            while time.monotonic() < until:
                began = time.perf_counter()
                answer = client.get(where)
                taken.append(time.perf_counter() - began)
                if answer.json()["status"] != "running":
                    break
                await asyncio.sleep(0.02)
        return {
            "polls": len(taken),
            "median_ms": round(1000 * statistics.median(taken), 2),
            "p99_ms": round(1000 * percentile(taken, 0.99), 2),
        }
    finally:
        stop_child(worker, timeout_seconds=60)


@contextlib.contextmanager
def services(folder: Path) -> Iterator[tuple[str, str, int, dict[str, str]]]:
    """The API's address, the empty one's, the API's pid, and the environment of both."""
    with contextlib.ExitStack() as stack:
        redis = start_redis(folder / "redis")
        stack.callback(redis.stop)
        s3 = start_s3(folder / "s3")
        stack.callback(s3.stop)
        env = {name: value for name, value in os.environ.items() if not name.startswith("MAGIC141_")} | {
            "MAGIC141_REDIS_URL": redis.url,
            "MAGIC141_S3_ENDPOINT": s3.endpoint,
            "MAGIC141_S3_ACCESS_KEY": s3.access_key,
            "MAGIC141_S3_SECRET_KEY": s3.secret_key,
            "MAGIC141_QUEUE_LIMIT": QUEUE_LIMIT,
        }
        urls, pids = [], []
        factories = (
            ("api", ["-m", "app.serve"], "/health/live"),
            ("empty", ["-m", "uvicorn", "--factory", "app.empty:create_app"], "/read"),
        )
        for name, argv, path in factories:
            port, log = free_port(), folder / f"{name}.log"
            where = {"MAGIC141_PORT": str(port)}
            more = ["--port", str(port)] if name == "empty" else []
            child = start_child([sys.executable, *argv, *more], log=log, env=env | where)
            stack.callback(stop_child, child)
            url = f"http://127.0.0.1:{port}"
            _wait(lambda at=url + path: _answers(at), f"{name} does not start", log)
            urls.append(url)
            pids.append(child.pid)
        yield urls[0], urls[1], pids[0], env


def _wait(done: Any, otherwise: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _created(api: str) -> str:
    return httpx.post(f"{api}/v1/videos", content=BODY, headers={"content-type": "application/json"}).json()[
        "id"
    ]


def _resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1024, 1) if found else 0.0


def show(report: dict[str, Any], console: Console) -> None:
    table = Table("", "here /s", "empty route /s", "ratio", title=f"{report['cores']} cores")
    for name in ("create", "poll"):
        row = report[name]
        figures = (row["per_second"], row["empty_per_second"], row["ratio_median"])
        table.add_row(name, *(f"{figure:g}" for figure in figures))
    console.print(table)
    if report["poll_while_rendering"]:
        console.print(
            "a poll while a job renders: median {median_ms} ms, p99 {p99_ms} ms".format_map(
                report["poll_while_rendering"]
            )
        )
    console.print("{open} event streams: {resident_mib} MiB resident".format_map(report["streams"]))
