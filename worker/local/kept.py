"""Ports, keys and secrets of one data directory: chosen once, kept in a private file for the next run."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.local.ports import free_port

FILE_NAME = "local.json"


@dataclass(frozen=True)
class Kept:
    """What must not change between two runs over the same data."""

    redis_port: int
    redis_password: str
    s3_port: int
    s3_access_key: str
    s3_secret_key: str
    webhook_secret: str
    """Receivers hold it too: a new one would make every signature of a resumed job wrong."""

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"


def load_kept(data_dir: Path) -> Kept:
    """Read `data_dir`'s file, or choose and write one. A port that a stranger took is chosen anew."""
    known = read_kept(data_dir)
    kept = Kept(
        redis_port=free_port(known.redis_port if known else 0),
        redis_password=known.redis_password if known else secrets.token_hex(20),
        s3_port=free_port(known.s3_port if known else 0),
        s3_access_key=known.s3_access_key if known else secrets.token_hex(10),
        s3_secret_key=known.s3_secret_key if known else secrets.token_hex(20),
        webhook_secret=known.webhook_secret if known else _webhook_secret(),
    )
    if kept != known:
        _write_private(data_dir / FILE_NAME, json.dumps(asdict(kept), indent=2) + "\n")
    return kept


def read_kept(data_dir: Path) -> Kept | None:
    """What an earlier run chose, or None. Raises ValueError on a file that is not ours."""
    path = data_dir / FILE_NAME
    if not path.exists():
        return None
    try:
        return Kept(**json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); without it, new ports and keys are chosen") from error


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _write_private(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
