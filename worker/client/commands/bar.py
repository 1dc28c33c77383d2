"""A job's progress at a terminal: its windows, and the time the server thinks is left."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from worker.client.job import Job


class _Eta(ProgressColumn):
    """Counts down between two words of the server's."""

    def render(self, task: Task) -> Text:
        ends_at = task.fields.get("ends_at")
        if ends_at is None:
            return Text("")
        return Text(f"{max(0.0, ends_at - time.monotonic()):.0f} s left")


class Bar:
    """On standard error; draws nothing where that is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self.visible = console.is_terminal
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("windows")
        self._progress = Progress(*columns, _Eta(), console=console, disable=not self.visible)
        self._windows = self._progress.add_task("waiting", total=None)

    def show(self, job: Job) -> None:
        eta = None if job.over or job.eta_seconds is None else job.eta_seconds
        self._progress.update(
            self._windows,
            description=job.status,
            completed=job.windows_done,
            total=job.windows_total,
            ends_at=None if eta is None else time.monotonic() + eta,
        )

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._progress.stop()
