"""The hooks worker: drains the outbox of webhooks, and sweeps away what has expired. `python -m worker.hooks`

The outbox is written in the same atomic step as the state it tells of, so it needs no queue beside it: an
entry leaves only when its receiver took it or the last try failed. Entries are delivered side by side, and
each waits for its own next try in Redis, so a slow or dead receiver holds up nobody else's.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.trace import SpanKind
from redis.exceptions import RedisError

from worker import reconcile, sweep
from worker.contract import logs, tracing
from worker.contract.job import OutboxEntry
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.contract.tracing import resumed, start_tracing, tracer
from worker.webhooks import DeliveryFailed, deliver

log = logging.getLogger("worker.hooks")  # run by `python -m` its __name__ is another

CONCURRENCY = 8
IDLE_SECONDS = 0.25
BACKOFF_CAP_SECONDS = 300.0


class Courier:
    """Takes due entries, as many as it has hands free, and settles each one.

    Args:
        settings: the webhook_* fields are used.
    """

    def __init__(self, store: JobStore, settings: Settings, *, concurrency: int = CONCURRENCY) -> None:
        self._store = store
        self._settings = settings
        self._free = threading.Semaphore(concurrency)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="webhook")
        self._concurrency = concurrency

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then the deliveries in flight are finished."""
        while not stop.is_set():
            try:
                busy = self.step()
            except RedisError as error:
                log.warning("outbox not read: %s", error)
                busy = False
            if not busy:
                stop.wait(IDLE_SECONDS)
        self._pool.shutdown(wait=True)

    def step(self) -> bool:
        """Start the delivery of one due entry; False when none is due. Waits for a free hand first."""
        self._free.acquire()
        entries: list[OutboxEntry] = []
        try:
            # A try takes up to its time limit in several places (connect, write, read); held that long and
            # more, no second taker begins the same one.
            hold_seconds = 4 * self._settings.webhook_timeout_seconds + 5
            entries = self._store.take_due(limit=1, hold_seconds=hold_seconds)
        finally:
            if not entries:
                self._free.release()
        for entry in entries:
            self._pool.submit(self._handle, entry)
        return bool(entries)

    def _handle(self, entry: OutboxEntry) -> None:
        told: dict[str, str | int] = {"job.id": entry.job_id, "webhook.id": entry.webhook_id}
        told |= {"webhook.type": entry.type, "attempt": entry.attempts}
        parent = resumed(entry.trace)
        span = tracer.start_as_current_span("webhook", parent, kind=SpanKind.CLIENT, attributes=told)
        try:
            with logs.about(job_id=entry.job_id), span:
                self._settle(entry)
        except RedisError as error:
            log.warning("webhook %s: outcome not recorded, so it comes again: %s", entry.webhook_id, error)
        finally:
            self._free.release()

    def _settle(self, entry: OutboxEntry) -> None:
        try:
            deliver(entry, self._settings)
        except Exception as error:
            tracing.failed(error)
            reason = f"{type(error).__name__}: {error}"
            final = isinstance(error, DeliveryFailed) and error.final
            if final or entry.attempts >= self._settings.webhook_max_attempts:
                log.warning(
                    "webhook %s given up after %d tries: %s", entry.webhook_id, entry.attempts, reason
                )
                self._store.dead_letter(entry.webhook_id, reason=reason)
                self._store.count("webhook_tries:given_up")
            else:
                delay_seconds = backoff_seconds(entry.attempts, self._settings.webhook_backoff_seconds)
                log.info("webhook %s comes again in %.1f s: %s", entry.webhook_id, delay_seconds, reason)
                self._store.retry_later(entry.webhook_id, time.time() + delay_seconds, reason=reason)
                self._store.count("webhook_tries:failed")
        else:
            log.info("webhook %s delivered, try %d", entry.webhook_id, entry.attempts)
            self._store.mark_sent(entry.webhook_id)
            self._store.count("webhook_tries:delivered")


def backoff_seconds(attempts: int, first_seconds: float) -> float:
    """The pause after try number `attempts` (from 1): doubling, capped at five minutes, +-25 % so that many
    that failed together do not come back together."""
    return min(first_seconds * 2 ** (attempts - 1), BACKOFF_CAP_SECONDS) * random.uniform(0.75, 1.25)


def main() -> int:
    """Deliver until SIGTERM or SIGINT; also looks for lost jobs, as every worker does."""
    settings = Settings.load()
    logs.start_logging(settings, service="hooks")
    start_tracing("hooks")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = JobStore(connect(settings), settings)
    reconcile.start(store, stop)
    sweep.start(store, Storage(settings), settings.retention_seconds, stop)
    Courier(store, settings).run(stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
