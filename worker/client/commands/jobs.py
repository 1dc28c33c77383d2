"""`magic141 jobs`: your jobs, newest first, as a table or a JSON record a line."""

from argparse import Namespace
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.client.commands.status import OK
from worker.client.job import Job
from worker.client.sync import Client

WIDE = 160  # where no terminal says how wide it is


def jobs(args: Namespace, client: Client) -> int:
    found = client.jobs(status=args.status, metadata=dict(args.metadata or ()), limit=args.limit)
    if args.json:
        for job in found:
            print(job.model_dump_json(), flush=True)
        return OK
    table = Table("id", "status", "windows", "seconds", "created", "prompt", box=None)
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[0].min_width = 38
    for job in found:
        table.add_row(*map(Text, _row(job)))
    console = Console()
    console.print(table, width=None if console.is_terminal else WIDE)
    return OK


def _row(job: Job) -> tuple[str, ...]:
    created = datetime.fromtimestamp(job.created_at) if job.created_at else None
    windows = f"{job.windows_done}/{job.windows_total}"
    when = f"{created:%Y-%m-%d %H:%M:%S}" if created else ""
    return job.id, job.status, windows, f"{job.seconds:g}", when, " ".join(job.prompt.split())
