"""`magic141 cancel`: prints the state; `running` means that the worker has yet to hear of it."""

from argparse import Namespace

from worker.client.commands.status import OK
from worker.client.sync import Client


def cancel(args: Namespace, client: Client) -> int:
    job = client.cancel(args.id)
    print(job.model_dump_json() if args.json else job.status)
    return OK
