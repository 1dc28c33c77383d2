"""One webhook, once: the message, its signature (Standard Webhooks), one POST. Knows no outbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

from opentelemetry import trace
from standardwebhooks import Webhook

from worker.contract import guarded
from worker.contract.job import OutboxEntry
from worker.contract.settings import Settings
from worker.contract.tracing import carried

GONE = 410


class DeliveryFailed(Exception):
    """The receiver did not take it. `final`: it never will (410 Gone), so trying again is rude."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def body(entry: OutboxEntry) -> bytes:
    """The message as JSON, the same bytes on every try.

    `timestamp` (ISO 8601) is Standard Webhooks' field, `id`, `object` and `created_at` (Unix seconds) are how
    OpenAI's events carry the same.
    """
    message = {
        "id": entry.webhook_id,
        "object": "event",
        "type": entry.type,
        "created_at": int(entry.created_at),
        "timestamp": datetime.fromtimestamp(entry.created_at, UTC).isoformat(),
        "data": entry.data,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def headers(entry: OutboxEntry, payload: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Those of Standard Webhooks: the id stays over all tries, the timestamp is that of this try. And the
    trace's."""
    signature = Webhook(secret).sign(entry.webhook_id, now, payload.decode())
    return {
        "content-type": "application/json",
        "user-agent": "magic141-webhooks",
        "webhook-id": entry.webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        **carried(),
    }


def deliver(entry: OutboxEntry, settings: Settings) -> None:
    """POST the message to the entry's URL through the guarded client.

    Raises:
        DeliveryFailed: no secret is configured, or the answer was not 2xx.
        UrlRefused, OSError and kin: the guarded client could not or would not call.
    """
    if settings.webhook_secret is None:
        raise DeliveryFailed("MAGIC141_WEBHOOK_SECRET is not set, so nothing can be signed")
    span = trace.get_current_span()
    span.set_attribute("server.address", urlsplit(entry.url).hostname or "")
    payload = body(entry)
    status = guarded.post(
        entry.url,
        payload,
        headers(entry, payload, settings.webhook_secret, datetime.now(UTC)),
        timeout=settings.webhook_timeout_seconds,
        allow_private=settings.webhook_allow_private,
    )
    span.set_attribute("http.response.status_code", status)
    if not 200 <= status < 300:
        raise DeliveryFailed(f"the receiver answered {status}", final=status == GONE)
