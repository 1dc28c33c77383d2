"""What a step of training frees serves the next one, and is not given back to the system in between."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource, sys
import numpy as np
from model.train import memory
if sys.argv[1] == "keep":
    memory.keep()
def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    _ = [np.ones(1 << 20) for _ in range(32)]  # 8 MB each
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
step()
print(step())
"""


def faults(how: str) -> int:
    """Pages that the second of two alike steps takes from the system."""
    argv = [sys.executable, "-c", STEPS, how]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is what is told")
def test_memory_is_kept() -> None:
    assert 20 * faults("keep") < faults("as it is")
