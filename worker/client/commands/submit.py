"""`magic141 submit`: have a video made; prints the job's id, then what watching and saving print."""

from argparse import Namespace
from pathlib import Path

from worker.client.commands.download import save
from worker.client.commands.status import OK
from worker.client.commands.watch import follow
from worker.client.sync import Client


def submit(args: Namespace, client: Client) -> int:
    job = client.submit(
        args.prompt,
        image=args.image,
        model=args.model,
        seconds=args.seconds,
        size=args.size,
        seed=args.seed,
        shots=args.shot,
        webhook_url=args.webhook_url,
        metadata=dict(args.metadata) if args.metadata else None,
        priority=args.priority,
        deadline_seconds=args.deadline,
        idempotency_key=args.idempotency_key,
    )
    print(job.model_dump_json() if args.json else job.id, flush=True)
    if not args.watch and args.out is None:
        return OK
    status = follow(job.id, client, as_json=args.json)
    if status == OK and args.out is not None:
        save(job.id, Path(args.out), "video", client, as_json=args.json)
    return status
