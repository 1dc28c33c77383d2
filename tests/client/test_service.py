"""The command against the whole service: a video made, watched, saved; another stopped."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.service import ROOT, clean_env, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_from_submit_to_a_film(tmp_path: Path) -> None:
    def magic141(*argv: str, status: int = 0) -> list[str]:
        argv = (sys.executable, "-m", "worker.cli", *argv)
        env = clean_env(MAGIC141_URL=url)
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout.splitlines()

    with running(tmp_path / "service") as (_, url):
        out = tmp_path / "film.mp4"
        argv = ["submit", "a red circle, the camera pans left", "--seconds", "2", "--seed", "3", "--json"]
        lines = [json.loads(line) for line in magic141(*argv, "--out", str(out))]
        assert [line["type"] for line in lines[1:-1]].count("window") == 2
        assert lines[-2]["type"] == "succeeded"
        assert lines[-1]["size_bytes"] == out.stat().st_size
        with av.open(str(out)) as film:
            assert sum(1 for _ in film.decode(video=0)) == 48
        (stopped,) = magic141("submit", "a red circle", "--seconds", "120")
        magic141("cancel", stopped)
        assert magic141("watch", stopped, status=4) == ["canceled"]
        assert len(magic141("jobs", "--json")) == 2
