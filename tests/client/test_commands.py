"""The subcommands in process: what they print where, and how they exit."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.client.conftest import FILM, Work
from tests.service import ROOT, clean_env
from worker.cli import main
from worker.client import Client
from worker.contract.job import JobError, JobState
from worker.contract.store import JobStore

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _service(base_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGIC141_URL", base_url)


def submitted(capsys: Capture, *more: str) -> str:
    assert main(["submit", "a ball", "--seconds", "2", *more]) == 0
    return capsys.readouterr().out.strip()


def test_submit_sends_what_it_is_told(capsys: Capture, store: JobStore) -> None:
    argv = ["submit", "--shot", "a ball: red:1", "--shot", "a cube:2", "--seed", "9", "--metadata", "a=b=c"]
    argv += ["--priority", "-2", "--deadline", "60", "--webhook-url", "http://127.0.0.1:9/", "--json"]
    argv += ["--idempotency-key", "k", "--metadata", "d=", "--model", "mini", "--size", "256x256"]
    assert main(argv) == main(argv) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["id"] == second["id"]
    spec = store.get(first["id"]).spec
    assert [(shot.prompt, shot.seconds) for shot in spec.shots] == [("a ball: red", 1), ("a cube", 2)]
    assert (spec.seed, spec.priority, spec.metadata) == (9, -2, {"a": "b=c", "d": ""})
    assert spec.webhook_url == "http://127.0.0.1:9/"
    assert spec.deadline_at is not None


def test_submit_watches_and_saves(capsys: Capture, work: Work, tmp_path: Path) -> None:
    def render() -> None:
        with Client() as client:
            while not (found := list(client.jobs())):
                time.sleep(0.05)
            work(found[0].id)

    worker = threading.Thread(target=render)
    worker.start()
    out = tmp_path / "a.mp4"
    assert main(["submit", "a ball", "--seconds", "2", "--out", str(out)]) == 0
    worker.join()
    job_id, state, path = capsys.readouterr().out.splitlines()
    assert job_id.startswith("video_")
    assert (state, path) == ("succeeded", str(out))
    assert out.read_bytes() == FILM


@pytest.mark.parametrize(
    ("end", "status", "error"),
    [
        (JobState.SUCCEEDED, 0, None),
        (JobState.FAILED, 3, JobError("engine_error", "it broke")),
        (JobState.CANCELED, 4, JobError("canceled", "canceled on request")),
    ],
)
def test_how_the_job_ended_is_the_exit_status(
    end: JobState, status: int, error: JobError | None, capsys: Capture, work: Work, store: JobStore
) -> None:
    job_id = submitted(capsys)
    store.finish(job_id, work(job_id, end=None), end, error=error)
    assert main(["watch", job_id]) == status
    said = capsys.readouterr()
    assert said.out == f"{end}\n"
    assert said.err == (f"the job {end}: {error.message} ({error.code})\n" if error else "")
    assert main(["watch", job_id, "--json"]) == status
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == ["queued", "started", "window", "window", str(end)]
    assert events[3]["data"]["windows_done"] == 2
    if error:
        assert main(["download", job_id]) == status


def test_cancel(capsys: Capture) -> None:
    job_id = submitted(capsys)
    assert main(["cancel", job_id]) == main(["cancel", job_id, "--json"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == json.loads(second)["status"] == "canceled"


def test_download(capsys: Capture, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job_id = submitted(capsys)
    assert main(["download", job_id]) == 1
    assert "not_ready" in capsys.readouterr().err
    work(job_id)
    assert main(["download", job_id]) == 0
    assert capsys.readouterr().out == f"{job_id}.mp4\n"
    assert Path(f"{job_id}.mp4").read_bytes() == FILM
    assert main(["download", job_id, "--json", "--out", "b/c.mp4"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": "b/c.mp4", "size_bytes": len(FILM)}
    assert main(["download", job_id, "--variant", "thumbnail"]) == 1


def test_jobs(capsys: Capture) -> None:
    ids = [submitted(capsys, "--metadata", f"n={n}") for n in range(3)]
    main(["cancel", ids[0]])
    capsys.readouterr()
    assert main(["jobs"]) == 0
    table = capsys.readouterr().out
    assert all(job_id in table for job_id in ids)
    assert main(["jobs", "--status", "canceled", "--json"]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [ids[0]]
    assert main(["jobs", "--metadata", "n=1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == ids[1]
    assert main(["jobs", "--limit", "2", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    "argv",
    [
        ["submit"],
        ["submit", "a ball", "--metadata", "novalue"],
        ["submit", "a ball", "--shot", "no seconds"],
        ["submit", "a ball", "--sead", "7"],
        ["download", "video_1", "--variant", "sound"],
        ["watch"],
    ],
)
def test_usage(argv: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    assert capsys.readouterr().err


def test_refusals(capsys: Capture, keyed_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (["watch", "video_1"], ["cancel", "video_1"], ["download", "video_1"]):
        assert main(argv) == 5
    assert main(["jobs", "--url", keyed_url]) == 5
    capsys.readouterr()
    assert main(["submit", "a ball", "--seconds", "-1"]) == 1
    said = capsys.readouterr()
    assert said.err == "magic141 submit: seconds: must be from 0.5 to 120, not -1 (422 invalid_value)\n"
    assert said.out == ""
    assert main(["submit", "a ball", "--image", "/no/such/file.png"]) == 1
    monkeypatch.setenv("MAGIC141_API_KEY", "alice-secret")
    assert main(["jobs", "--url", keyed_url]) == 0


@contextmanager
def watch(job_id: str, *more: str, **pipes: Any) -> Iterator[subprocess.Popen]:
    """A process that watches, with SIGINT as a terminal's; whatever happens, it is not left behind."""
    argv = [sys.executable, "-m", "worker.cli", "watch", job_id, "--url", os.environ["MAGIC141_URL"], *more]
    env = clean_env(TERM="xterm", COLUMNS="100")
    # Where the suite itself was started in the background, SIGINT is ignored, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        watching = subprocess.Popen(argv, cwd=ROOT, env=env, **pipes)
    finally:
        signal.signal(signal.SIGINT, before)
    with watching:
        try:
            yield watching
        finally:
            watching.kill()


def test_ctrl_c_leaves_the_job_running(capsys: Capture, store: JobStore) -> None:
    job_id = submitted(capsys)
    pipe = subprocess.PIPE
    with watch(job_id, "--json", stdout=pipe, stderr=pipe, text=True) as watching:
        assert json.loads(watching.stdout.readline())["type"] == "queued"
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert (watching.returncode, out) == (130, "")
    assert err == f"the job goes on; to stop it: magic141 cancel {job_id}\n"
    assert store.get(job_id).state is JobState.QUEUED


def test_a_terminal_sees_a_bar_and_a_pipe_none(capsys: Capture, work: Work) -> None:
    job_id = submitted(capsys)
    ours, theirs = pty.openpty()
    with watch(job_id, stdout=subprocess.PIPE, stderr=theirs) as watching:
        os.close(theirs)
        drawn = b""
        while b"0/2" not in drawn:
            drawn += os.read(ours, 65536)
        work(job_id)
        assert watching.communicate(timeout=60)[0] == b"succeeded\n"
    while b"2/2" not in drawn:
        drawn += os.read(ours, 65536)
    os.close(ours)
    assert b"windows" in drawn
    with watch(job_id, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as piped:
        assert piped.communicate(timeout=60) == (b"succeeded\n", b"")
