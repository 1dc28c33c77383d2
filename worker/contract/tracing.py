"""OpenTelemetry traces: one joins the request that posted a job, its slices and windows, and its webhooks.

Only OpenTelemetry's interface is imported here, whose spans do nothing until `start_tracing` finds an
exporter named in the environment. A job's record carries the context of its request (W3C Trace Context), so
that any worker at any time goes on with the same trace.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

log = logging.getLogger(__name__)

LAST_SECONDS = 3.0
"""How long a process that ends tries to send what it has left."""

tracer = trace.get_tracer("magic141")
_w3c = TraceContextTextMapPropagator()


def start_tracing(service: str, instance: str | None = None) -> None:
    """Export this process's spans by OTLP over HTTP, where OpenTelemetry's standard variables say where to.

    Called once, at a process's entry point; needs the extra `otel`. All else (headers, sampling, limits,
    how often) the SDK reads from its own variables, and a name found there goes before the ones given here.
    """
    if not _wanted():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.warning("no traces: %s; pip install 'magic141[otel]'", error)
        return
    ours = {"service.name": f"magic141-{service}", "service.namespace": "magic141"}
    if instance is not None:
        ours["service.instance.id"] = instance
    told = Resource.create(ours).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=told, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    atexit.register(flush)


def _wanted() -> bool:
    named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    off = off or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(os.environ.get(name) for name in named)


def flush() -> None:
    """Send what there is, for `LAST_SECONDS` at most: the SDK itself would wait half a minute for a collector
    that is away. Called at exit; a process that a signal ends calls it before."""
    if force_flush := getattr(trace.get_tracer_provider(), "force_flush", None):
        sending = threading.Thread(target=force_flush, name="flush", daemon=True)
        sending.start()
        sending.join(LAST_SECONDS)


def carried() -> dict[str, str]:
    """The present trace and span as the headers `traceparent` and `tracestate`; empty outside of any."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier


def resumed(carrier: Mapping[str, str]) -> Context:
    """The context in which such headers were made, to be a span's parent."""
    return _w3c.extract(carrier, Context())


def failed(error: BaseException) -> None:
    """The present span ends in an error that somebody handles inside of it."""
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
