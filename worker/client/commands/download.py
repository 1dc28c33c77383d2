"""`magic141 download`: a finished job's file; prints where it lies."""

import json
from argparse import Namespace
from pathlib import Path

from worker.client.commands.status import OK
from worker.client.sync import Client

NAMES = {"video": "{id}.mp4", "thumbnail": "{id}-thumbnail.jpg", "spritesheet": "{id}-sprites.jpg"}


def download(args: Namespace, client: Client) -> int:
    out = args.out or Path(NAMES[args.variant].format(id=Path(args.id).name))
    save(args.id, out, args.variant, client, as_json=args.json)
    return OK


def save(job_id: str, out: Path, variant: str, client: Client, *, as_json: bool) -> None:
    path = client.download(job_id, out, variant=variant)
    told = {"path": str(path), "size_bytes": path.stat().st_size}
    print(json.dumps(told) if as_json else path, flush=True)
