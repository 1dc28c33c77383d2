"""What ties a request's log lines, its answer and its trace together: an ASGI middleware."""

import re
import secrets

from opentelemetry import context, trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.contract import logs
from worker.contract.tracing import resumed

HEADER = "x-request-id"
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """Takes the caller's `X-Request-Id` where it is fit for a log line, else makes one; the answer names it.

    The request's span is FastAPI's own, around this. Where nobody exports traces there is none: the context
    of the caller's `traceparent` then goes the way of the job all the same, and into the logs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        request_id = given if GIVEN.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        if "traceparent" in headers and not trace.get_current_span().get_span_context().is_valid:
            context.attach(resumed(headers))
        trace.get_current_span().set_attribute(f"http.response.header.{HEADER}", [request_id])
        # For the whole of this task: what uvicorn writes when a request broke comes after all of this.
        logs.begin(request_id=request_id, **logs.trace_ids())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, named)


def about_job(job_id: str) -> None:
    """From here on the request is known to be about this job, which exists and is the asker's."""
    logs.add(job_id=job_id)
    trace.get_current_span().set_attribute("job.id", job_id)
