"""Runs a program so that it dies with the process that started it, even when that one is killed outright.

Run as a script it ties itself to its parent and then becomes the program by exec, so the pid stays the same.
A `preexec_fn` would do it too, but runs Python between fork and exec, which is unsafe once the parent has
threads.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def start_child(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, stdout and stderr appended to `log`; `stdin` is written and closed.

    Linux sends the death signal when the *thread* that started the child ends: call this from a thread that
    lives as long as the child should. Elsewhere the child is an ordinary one.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "linux":
        # -I -S: no site packages to import, so this costs some 20 ms.
        argv = [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *argv]
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            # A Ctrl-C at the terminal goes to the foreground group: the supervisor alone decides the order.
            start_new_session=True,
        )
    if stdin is not None and process.stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
    return process


def stop_child(process: subprocess.Popen[bytes], *, timeout_seconds: float = 10.0) -> int:
    """SIGTERM, then SIGKILL after `timeout_seconds`; returns the exit status. A dead child is fine."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _become(parent_pid: int, argv: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the line above: nobody would signal us any more
        sys.exit(1)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
