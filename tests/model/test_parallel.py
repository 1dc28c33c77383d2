import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.parallel import share
from tests.model.dits import build_dit
from tests.service import ROOT


@pytest.mark.e2e
def test_two_processes_are_one_engine(tmp_path: Path) -> None:
    """Context parallelism over gloo: painted, filmed, stopped, left and steered as by one process."""
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    said = [tmp_path / f"rank-{rank}.log" for rank in range(2)]
    with contextlib.ExitStack() as stack:
        ranks = []
        for rank, log in enumerate(said):
            command = [sys.executable, "-m", "tests.model.ranks", str(rank), str(tmp_path / "meeting")]
            to = stack.enter_context(log.open("w"))
            ranks.append(
                stack.enter_context(subprocess.Popen(command, cwd=ROOT, env=env, stdout=to, stderr=to))
            )
            stack.callback(ranks[-1].kill)
        for rank, log in zip(ranks, said, strict=True):
            assert rank.wait(280) == 0, log.read_text()[-3000:]


def test_heads_that_can_not_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 3)
    with pytest.raises(ValueError, match="2 heads can't be shared by 3 ranks"):
        share(build_dit())
