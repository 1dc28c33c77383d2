"""The client needs the package's base dependencies alone, and the command's help not even those."""

import subprocess
import sys

import pytest

from tests.contract.test_imports import ROOT, imports

ALLOWED = {"httpx", "pydantic", "rich", *sys.stdlib_module_names}


def test_the_client_knows_the_http_api_alone() -> None:
    seen = set()
    for path, name in imports("worker/client"):
        seen.add(path.name)
        assert name.startswith("worker.client") or name.split(".")[0] in ALLOWED, f"{path}: {name}"
    assert {"sync.py", "aio.py", "bar.py"} <= seen


@pytest.mark.parametrize(
    ("argv", "absent"),
    [
        (["-m", "worker.cli", "submit", "--help"], {"httpx", "pydantic", "rich"}),
        (["-c", "import worker.client"], {"fastapi", "torch", "redis", "rq", "boto3"}),
    ],
)
def test_what_is_loaded(argv: list[str], absent: set[str]) -> None:
    argv = [sys.executable, "-X", "importtime", *argv]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "worker" in loaded
    assert not absent & loaded
