"""Counts every request: an ASGI middleware, as the decorator kind would buffer event streams."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import HttpMetrics
from worker.contract import logs

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Watch:
    """A route is told by its template and an unknown method as `other`: a client cannot make labels."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, streaming, answered = time.perf_counter(), False, False

        async def watched(message: Message) -> None:
            nonlocal streaming, answered
            if message["type"] == "http.response.start":
                answered = True
                self._count(scope, message["status"], began)
                if _is_event_stream(message):
                    streaming = True
                    self._metrics.streams.inc()
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if not answered:
                self._count(scope, 500, began)  # the handler that says so stands outside of this
            raise
        finally:
            if streaming:
                self._metrics.streams.dec()

    def _count(self, scope: Scope, status: int, began: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - began
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.latency.labels(method, route).observe(seconds)
        logs.add(method=method, route=route, status=status, seconds=round(seconds, 4))


def _is_event_stream(message: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )
