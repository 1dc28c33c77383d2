"""`magic141 demo`: the whole service in a temporary folder, one job from post to MP4, then it all stops."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from worker.local.running import service

POLL_SECONDS = 0.25
# In the order in which a job meets them; others follow.
STAGES = ("queued", "text_to_image", "first_segment", "denoise", "decode", "encode", "upload", "finish")


def demo(prompt: str, *, seconds: float, out: Path) -> None:
    """Make one video and show each step. Raises RuntimeError with the reason when a part fails."""
    console = Console()
    data_dir = Path(tempfile.mkdtemp(prefix="magic141-demo-"))
    try:
        with service(data_dir, console) as url, httpx.Client(base_url=url, timeout=30.0) as http:
            job = _make(http, prompt, seconds, console)
            _download(http, job, out)
    except BaseException:
        console.print(f"the logs of every process are in {data_dir / 'logs'}", highlight=False)
        raise
    shutil.rmtree(data_dir)
    console.print(_timings(job))
    size = f"{out.stat().st_size / 1024:.0f} KiB"
    console.print(f"video: {out.resolve()} ({size})", highlight=False, markup=False, soft_wrap=True)


def _make(http: httpx.Client, prompt: str, seconds: float, console: Console) -> dict[str, Any]:
    """Post the job and follow it to its end; returns the finished job record."""
    console.print(f"POST /v1/videos  {prompt!r}, {seconds:g} s", highlight=False, markup=False)
    posted = http.post("/v1/videos", json={"prompt": prompt, "seconds": seconds})
    _check(posted)
    where = posted.headers["location"]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows"),
        TimeElapsedColumn(),
    )
    told = None
    playlist_told = False
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        windows = progress.add_task("queued", total=None)
        while True:
            answer = http.get(where)
            _check(answer)
            job: dict[str, Any] = answer.json()
            progress.update(
                windows, description=job["status"], completed=job["windows_done"], total=job["windows_total"]
            )
            if not console.is_terminal and told != (told := (job["status"], job["windows_done"])):
                console.print(f"{job['status']}: {job['windows_done']}/{job['windows_total']} windows")
            if job["segments"] and not playlist_told:
                playlist_told = True
                console.print(f"it plays already: {job['playlist_url']}", highlight=False, soft_wrap=True)
            if job["status"] == "succeeded":
                return job
            if job["status"] in ("failed", "canceled"):
                error = job["error"] or {}
                raise RuntimeError(f"the job {job['status']}: {error.get('code')}: {error.get('message')}")
            time.sleep(POLL_SECONDS)


def _download(http: httpx.Client, job: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with http.stream("GET", f"/v1/videos/{job['id']}/content") as answer:
        if answer.is_error:
            answer.read()
        _check(answer)
        with out.open("wb") as file:
            for part in answer.iter_bytes():
                file.write(part)


def _timings(job: dict[str, Any]) -> Table:
    """Windows overlap (one is made while another is encoded): stages add up to more than the total."""
    timings = job["timings"]
    table = Table("stage", "seconds", title="how long each stage took")
    table.columns[1].justify = "right"
    for stage in [*(s for s in STAGES if s in timings), *(s for s in timings if s not in STAGES)]:
        table.add_row(stage, f"{timings[stage]:.2f}")
    return table


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        request = answer.request
        raise RuntimeError(f"{request.method} {request.url}: {answer.status_code} {answer.text}")
