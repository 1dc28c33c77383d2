"""Tracing costs nothing until it is asked for, and holds nothing up when its collector is away."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from opentelemetry import trace

from worker.contract import tracing

PROGRAM = """
import json, sys
import app.serve, worker.hooks
from opentelemetry import trace
from worker.contract import tracing
tracing.LAST_SECONDS = 0.1
tracing.start_tracing("api", "one")
with tracing.tracer.start_as_current_span("a"):
    sent = tracing.carried()
resource = getattr(trace.get_tracer_provider(), "resource", None)
told = dict(resource.attributes) if resource else None
heavy = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
loaded = sorted(name for name in sys.modules if name.startswith(heavy))
print(json.dumps({"loaded": loaded, "sent": sent, "resource": told}))
"""


def process(**env: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=kept | env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_unasked_it_loads_no_sdk_and_makes_no_span() -> None:
    """(The SDK's metrics half is loaded by redis-py, wherever it is installed.)"""
    assert process() == {"loaded": [], "sent": {}, "resource": None}


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_an_endpoint_alone_is_not_asking(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert tracing._wanted()
    monkeypatch.setenv(name, value)
    assert not tracing._wanted()


def test_it_takes_the_names_of_the_environment_and_a_dead_collector_keeps_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        told = process(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_TIMEOUT="60",
            OTEL_RESOURCE_ATTRIBUTES="service.name=mine,deployment.environment.name=test",
        )
        assert time.monotonic() - began < 30
    assert "opentelemetry.sdk.trace.export" in told["loaded"]
    assert told["sent"]["traceparent"]
    named = {name: told["resource"][name] for name in ("service.name", "service.instance.id")}
    assert named == {"service.name": "mine", "service.instance.id": "one"}
    assert told["resource"]["deployment.environment.name"] == "test"


def test_without_the_extra_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    before = trace.get_tracer_provider()
    with caplog.at_level(logging.WARNING):
        tracing.start_tracing("api")
    assert "magic141[otel]" in caplog.text
    assert trace.get_tracer_provider() is before


def test_what_is_carried_is_resumed_and_nonsense_is_nothing() -> None:
    sent = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=b"}
    with trace.use_span(trace.get_current_span(tracing.resumed(sent))):
        assert tracing.carried() == sent
    for nonsense in ({}, {"traceparent": "x"}, {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"}):
        assert not trace.get_current_span(tracing.resumed(nonsense)).get_span_context().is_valid
