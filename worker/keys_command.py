"""`magic141 keys`: API keys made, listed and revoked in the service's Redis; needs no server that runs."""

import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.contract.access import Access, ApiKey

Work = Callable[["Access", Namespace], None]


def add_keys_command(commands: Any) -> None:
    """keys create, keys list and keys revoke."""
    told = "make, list or revoke API keys"
    parser = commands.add_parser(
        "keys",
        help=told,
        description=f"{told}, in the Redis of MAGIC141_REDIS_URL or of a data folder. "
        "As soon as there is one, nobody is let in without.",
    )
    _common(parser, default=None)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, told: str, work: Work) -> ArgumentParser:
        one: ArgumentParser = actions.add_parser(name, help=told, description=told)
        _common(one, default=SUPPRESS)
        one.set_defaults(run=_run, work=work)
        return one

    create = action("create", "a new key; its secret is printed now and never again", _create)
    create.add_argument("name", help="whose jobs they are; may be that of a revoked key")
    create.add_argument("--rate-limit", type=int, metavar="N", help="jobs in a minute; default: the server's")
    create.add_argument(
        "--quota-seconds-per-day", type=float, metavar="S", help="of video; default: the server's"
    )
    action("list", "every key, the revoked ones too", _list)
    action("revoke", "shut a key out, within about a second", _revoke).add_argument("name")


def _common(parser: ArgumentParser, *, default: Any) -> None:
    data_help = "the data folder of a `magic141 up` that runs"
    parser.add_argument("--data-dir", type=Path, metavar="DATA", default=default, help=data_help)
    json_help = "one JSON object a line on standard output"
    parser.add_argument("--json", action="store_true", default=default or False, help=json_help)


def _run(args: Namespace, rest: list[str]) -> int:
    from redis.exceptions import RedisError

    from worker.contract.access import Access
    from worker.contract.errors import Magic141Error
    from worker.contract.queue import connect

    try:
        with connect(_settings(args.data_dir), patient=False) as redis:
            args.work(Access(redis), args)
    except Magic141Error as error:
        print(f"magic141 keys: {error.message}", file=sys.stderr)
        return 1
    except RedisError as error:
        hint = f"; does `magic141 up` run over {args.data_dir}?" if args.data_dir else ""
        print(f"magic141 keys: Redis does not answer: {error}{hint}", file=sys.stderr)
        return 1
    return 0


def _settings(data_dir: Path | None) -> Any:
    """As `up` has it, the environment goes before what the data folder says."""
    from worker.contract.settings import Settings
    from worker.local.kept import read_kept

    settings = Settings.load()
    if data_dir is None or "MAGIC141_REDIS_URL" in os.environ:
        return settings
    kept = read_kept(data_dir)
    if kept is None:
        raise ValueError(f"{data_dir} is no data folder of `magic141 up`")
    return settings.model_copy(update={"redis_url": kept.redis_url})


def _create(access: "Access", args: Namespace) -> None:
    key, secret = access.create(
        args.name, rate_limit_per_minute=args.rate_limit, quota_seconds_per_day=args.quota_seconds_per_day
    )
    if args.json:
        print(json.dumps({**_shown(key), "key": secret}))
    else:
        print(secret)
        print("this is shown once: only its hash is kept", file=sys.stderr)


def _list(access: "Access", args: Namespace) -> None:
    for key in access.all():
        print(json.dumps(_shown(key)) if args.json else _line(key))


def _revoke(access: "Access", args: Namespace) -> None:
    key = access.revoke(args.name)
    print(json.dumps(_shown(key)) if args.json else f"revoked {key.name}")


def _shown(key: "ApiKey") -> dict[str, Any]:
    return {name: value for name, value in asdict(key).items() if name != "sha256"}


def _line(key: "ApiKey") -> str:
    made = f"{datetime.fromtimestamp(key.created_at):%Y-%m-%d %H:%M:%S}"
    told = [f"{key.name:20}", made, "revoked" if key.revoked_at else "valid"]
    if key.rate_limit_per_minute is not None:
        told.append(f"{key.rate_limit_per_minute} jobs a minute")
    if key.quota_seconds_per_day is not None:
        told.append(f"{key.quota_seconds_per_day:g} s a day")
    return "  ".join(told)
