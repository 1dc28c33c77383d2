"""The webhook guide's receivers, each as it stands there: one takes what the service signs, nothing else."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import playwright
import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from tests.service import ROOT, clean_env
from tests.worker.tiny_engine import FPS
from worker.contract.job import JobSpec, Shot
from worker.contract.settings import Settings
from worker.contract.store import JobStore
from worker.local.ports import free_port
from worker.webhooks import body, headers

GUIDE = (ROOT / "docs" / "guides" / "webhooks.md").read_text()
RECEIVERS = dict(re.findall(r"^```(\w+) receiver\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
NODE = Path(playwright.__file__).parent / "driver" / "node"  # in the wheel, as its driver runs on it
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@dataclass(frozen=True)
class Message:
    body: bytes
    headers: dict[str, str]

    def but(self, **changed: str) -> Message:
        """With other headers: `id`, `timestamp`, `signature`."""
        return replace(self, headers=self.headers | {f"webhook-{k}": v for k, v in changed.items()})


@pytest.fixture
def sign(store: JobStore, settings: Settings) -> Callable[..., Message]:
    """`sign(ago, secret)`: the webhook of a job that was canceled, as the service signs it."""
    spec = JobSpec("stripes", "mini", "64x64", 1, FPS, FPS, 7, (Shot("stripes", 1),), webhook_url="https://a.example")
    store.request_cancel(store.create(spec, windows_total=1).id)
    (entry,) = store.take_due()

    def message(ago: timedelta = timedelta(), secret: str = settings.webhook_secret or "") -> Message:
        payload = body(entry)
        return Message(payload, headers(entry, payload, secret, datetime.now(UTC) - ago))

    return message


@contextmanager
def receiver(language: str, folder: Path, secret: str) -> Iterator[Callable[[Message], bool]]:
    """Yields what tells whether the receiver takes a message."""
    env = clean_env(MAGIC141_WEBHOOK_SECRET=secret, PORT=str(free_port()), PATH=os.environ["PATH"])
    script = folder / "receiver"
    script.write_text(RECEIVERS[language])
    if language == "sh":

        def verified(message: Message) -> bool:
            told = [message.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
            argv = ["bash", "-euo", "pipefail", str(script), *told]
            done = subprocess.run(argv, input=message.body, env=env, capture_output=True, check=False)
            assert (done.returncode, done.stdout) in ((0, b"genuine\n"), (1, b"")), done.stderr
            return done.returncode == 0

        yield verified
        return
    binary = {"python": sys.executable, "javascript": NODE}[language]
    url = f"http://127.0.0.1:{env['PORT']}"
    with subprocess.Popen([binary, str(script)], env=env, cwd=folder, stdout=subprocess.PIPE) as process:
        with httpx.Client() as client:
            while process.poll() is None:
                try:
                    client.post(url)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)

            def taken(message: Message) -> bool:
                status = client.post(url, content=message.body, headers=message.headers).status_code
                assert status in (204, 400)
                return status == 204

            yield taken
        process.terminate()


@pytest.mark.parametrize("language", ["python", "javascript", "sh"])
def test_a_receiver_takes_what_is_signed_and_nothing_else(
    language: str, sign: Callable[..., Message], tmp_path: Path, settings: Settings
) -> None:
    good = sign()
    with receiver(language, tmp_path, settings.webhook_secret or "") as takes:
        assert takes(good)
        assert takes(sign())  # once more, as if the first answer had been lost
        # Two secrets, while one is changed for the other.
        signatures = [message.headers["webhook-signature"] for message in (sign(secret=OTHER_SECRET), good)]
        assert takes(good.but(signature=" ".join(signatures)))
        assert not takes(replace(good, body=good.body.replace(b"video.canceled", b"video.completed")))
        assert not takes(replace(good, body=good.body + b" "))
        assert not takes(sign(secret=OTHER_SECRET))
        assert not takes(sign(timedelta(minutes=10)))
        assert not takes(sign(timedelta(minutes=-10)))
        assert not takes(good.but(timestamp=str(int(good.headers["webhook-timestamp"]) + 1)))
        assert not takes(good.but(id="msg_other"))
        assert not takes(good.but(signature="v1,"))
        assert not takes(good.but(signature=good.headers["webhook-signature"].replace("v1,", "v2,")))


def test_the_python_receiver_acts_once(
    sign: Callable[..., Message], tmp_path: Path, settings: Settings
) -> None:
    with receiver("python", tmp_path, settings.webhook_secret or "") as takes:
        assert [takes(sign()), takes(sign())] == [True, True]
    with closing(sqlite3.connect(tmp_path / "received.db")) as database:
        assert database.execute("SELECT count(*) FROM handled").fetchone() == (1,)


def test_the_openai_sdk_verifies_them(sign: Callable[..., Message], settings: Settings) -> None:
    good = sign()
    with OpenAI(api_key="none") as client:
        client.webhooks.verify_signature(good.body, good.headers, secret=settings.webhook_secret)
        with pytest.raises(InvalidWebhookSignatureError):
            client.webhooks.verify_signature(good.body + b" ", good.headers, secret=settings.webhook_secret)


def test_the_guide_shows_three() -> None:
    assert set(RECEIVERS) == {"python", "javascript", "sh"}
