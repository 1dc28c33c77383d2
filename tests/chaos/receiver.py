"""A webhook receiver on loopback that fails half of the time; it verifies what it gets."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    url: str = ""
    tries: int = 0
    delay_seconds: float = 0.0
    """How long an answer is kept back; the message counts as taken, though nobody may wait for it."""
    taken: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(job id, type) -> the webhook ids under which it came."""


@contextmanager
def receiver(seed: int) -> Iterator[Receiver]:
    rng, lock, made = random.Random(seed), threading.Lock(), Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["content-length"]))
            message = Webhook(SECRET).verify(payload, dict(self.headers))
            with lock:
                made.tries += 1
                fails = rng.random() < 0.5
                if not fails:
                    told = (message["data"]["id"], message["type"])
                    made.taken.setdefault(told, set()).add(self.headers["webhook-id"])
            time.sleep(made.delay_seconds)
            self.send_response(500 if fails else 204)
            with contextlib.suppress(OSError):
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
