"""`magic141 watch`: follow a job to its end; says at the end how it ended."""

import json
from argparse import Namespace
from dataclasses import asdict

from worker.client.commands.bar import Bar
from worker.client.commands.status import ended, say
from worker.client.sync import Client


def watch(args: Namespace, client: Client) -> int:
    return follow(args.id, client, as_json=args.json)


def follow(job_id: str, client: Client, *, as_json: bool) -> int:
    """Prints an event a line as JSON, or the state the job ended in. Ctrl-C leaves the job running."""
    try:
        with Bar() as bar:
            for event in client.watch(job_id):
                if as_json:
                    print(json.dumps(asdict(event)), flush=True)
                if bar.visible:
                    bar.show(client.job(job_id))
    except KeyboardInterrupt:
        say(f"the job goes on; to stop it: magic141 cancel {job_id}")
        raise
    job = client.job(job_id)
    if not as_json:
        print(job.status)
    return ended(job.status, job.error)
