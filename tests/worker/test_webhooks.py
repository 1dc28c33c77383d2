"""Webhooks to a real receiver on loopback, which verifies each one with the `standardwebhooks` library."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook

from worker.contract.job import OutboxEntry
from worker.hooks import Courier, backoff_seconds
from worker.webhooks import body

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Answers with the statuses given, in order, then 200; keeps what it verified."""

    url: str
    statuses: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    """Where given, no answer before it is set."""
    tries: list[tuple[str, dict]] = field(default_factory=list)
    """(webhook id, message) of every request."""


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    servers = []

    def start(statuses: list[int] | None = None, hold: threading.Event | None = None) -> Receiver:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["content-length"]))
                message = Webhook(SECRET).verify(payload, dict(self.headers))
                made.tries.append((self.headers["webhook-id"], message))
                if made.hold:
                    made.hold.wait(timeout=20)
                self.send_response(made.statuses.pop(0) if made.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        made = Receiver(f"http://127.0.0.1:{server.server_port}/hook", statuses or [], hold)
        return made

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def courier(store, settings) -> Iterator[Callable[..., None]]:
    """`courier(**settings)` delivers in the background until the test ends."""
    stop = threading.Event()
    threads = []

    def start(**changed: object) -> None:
        quick = {
            "webhook_secret": SECRET,
            "webhook_allow_private": True,
            "webhook_backoff_seconds": 0.05,
            "webhook_timeout_seconds": 3,
        }
        made = Courier(store, settings.model_copy(update=quick | changed))
        threads.append(threading.Thread(target=made.run, args=(stop,)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(timeout=10)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def test_a_canceled_job_is_told_once_and_verifies(receiver, courier, accept, store):
    made = receiver()
    job = accept(webhook_url=made.url)
    store.request_cancel(job.id)
    courier()
    wait_for(lambda: bool(made.tries) and not store.take_due(time.time() + 1e6))
    [(webhook_id, message)] = made.tries
    assert message["type"] == "video.canceled"
    assert message["data"]["id"] == job.id
    assert message["data"]["status"] == "canceled"
    assert message["id"] == webhook_id
    assert (message["object"], message["created_at"]) == ("event", pytest.approx(time.time(), abs=30))


def test_a_failing_receiver_gets_the_same_id_until_it_takes_it(receiver, courier, accept, store):
    made = receiver([500, 302, 429])
    store.request_cancel(accept(webhook_url=made.url).id)
    courier()
    wait_for(lambda: len(made.tries) == 4)
    assert len({webhook_id for webhook_id, _ in made.tries}) == 1
    assert len({json.dumps(message) for _, message in made.tries}) == 1
    assert store.dead_letters() == []


def test_after_the_last_try_it_is_a_dead_letter_with_its_reason(receiver, courier, accept, store):
    made = receiver([500] * 9)
    store.request_cancel(accept(webhook_url=made.url).id)
    courier(webhook_max_attempts=3)
    wait_for(lambda: bool(store.dead_letters()))
    [letter] = store.dead_letters()
    assert (letter.attempts, len(made.tries)) == (3, 3)
    assert "500" in letter.reason


def test_gone_means_never_again(receiver, courier, accept, store):
    made = receiver([410] * 9)
    store.request_cancel(accept(webhook_url=made.url).id)
    courier()
    wait_for(lambda: bool(store.dead_letters()))
    assert len(made.tries) == 1


def test_a_slow_receiver_holds_up_nobody_else(receiver, courier, accept, store):
    hold = threading.Event()
    slow, quick = receiver(hold=hold), receiver()
    for made in (slow, slow, slow, quick):
        store.request_cancel(accept(webhook_url=made.url).id)
    courier(webhook_timeout_seconds=20)
    wait_for(lambda: bool(quick.tries))  # while three deliveries are stuck
    hold.set()


def test_a_private_address_is_not_called(receiver, courier, accept, store):
    made = receiver()
    store.request_cancel(accept(webhook_url=made.url).id)
    courier(webhook_allow_private=False, webhook_max_attempts=1)
    wait_for(lambda: bool(store.dead_letters()))
    assert made.tries == []


def test_nothing_is_sent_unsigned(receiver, courier, accept, store):
    made = receiver()
    store.request_cancel(accept(webhook_url=made.url).id)
    courier(webhook_secret=None, webhook_max_attempts=1)
    wait_for(lambda: bool(store.dead_letters()))
    assert made.tries == []
    assert "MAGIC141_WEBHOOK_SECRET" in store.dead_letters()[0].reason


def test_a_dead_letter_is_redelivered_under_its_id(receiver, courier, accept, store):
    made = receiver([500, 500])
    job = accept(webhook_url=made.url)
    store.request_cancel(job.id)
    courier(webhook_max_attempts=2)
    wait_for(lambda: bool(store.dead_letters()))
    (dead,) = store.dead_letters(job.spec.owner)
    store.redeliver(dead.webhook_id, job.spec.owner)
    wait_for(lambda: len(made.tries) == 3 and not store.take_due(time.time() + 1e6))
    assert {webhook_id for webhook_id, _ in made.tries} == {dead.webhook_id}
    assert store.dead_letters() == []


def test_the_body_is_the_same_bytes_every_time():
    entry = OutboxEntry("msg_1", "video_1", "video.completed", "http://x", 1.5, "a", 1, {"id": "video_1"})
    assert body(entry) == body(entry)
    assert json.loads(body(entry))["timestamp"] == "1970-01-01T00:00:01.500000+00:00"


def test_pauses_double_up_to_five_minutes():
    assert 0.75 <= backoff_seconds(1, 1.0) <= 1.25
    assert 6 <= backoff_seconds(4, 1.0) <= 10
    assert backoff_seconds(30, 1.0) <= 375
