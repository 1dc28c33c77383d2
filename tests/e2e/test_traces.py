"""One trace and one set of log lines for a job, whichever processes work on it and whichever of them die."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from redis import Redis

from tests.service import ROOT, clean_env
from worker.contract.job import JobState
from worker.contract.settings import Settings
from worker.contract.store import JobStore
from worker.local.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TRACE, CALLER, REQUEST = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "of-the-caller.1"
PROMPT = "a hippopotamus that nobody else shall hear of"
STAGES = {"denoise", "decode", "encode", "upload", "commit"}


@dataclass(frozen=True)
class Span:
    name: str
    trace: str
    id: str
    parent: str
    service: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """An OTLP receiver, and a webhook's: it refuses the first try."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    """The `traceparent` of each try."""

    def spans(self) -> list[Span]:
        return [span for body in self.bodies for span in parsed(body)]


def parsed(body: bytes) -> Iterator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = plain(resource.resource.attributes)["service.name"]
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
            times, failed = (span.start_time_unix_nano, span.end_time_unix_nano), span.status.code == 2
            yield Span(span.name, *ids, service, *times, failed, plain(span.attributes))


def plain(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = 200
            if self.path == "/v1/traces":
                made.bodies.append(body)
            else:
                made.hooks.append(self.headers["traceparent"])
                status = 500 if len(made.hooks) == 1 else 200
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class House:
    """A service of processes; `down` ends them and gives their log lines by name."""

    url: str
    down: Callable[[], dict[str, list[dict[str, Any]]]]


@pytest.fixture
def house(settings: Settings, redis: Redis, collector: Collector, tmp_path: Path) -> Iterator[House]:
    """The API, the hooks worker and two workers, of which the first to reach window 2 crashes there."""
    port, once = free_port(), tmp_path / "once"
    once.touch()
    values = settings.model_dump(exclude_none=True) | {"port": port, "log_format": "json"}
    env = clean_env(
        **{f"MAGIC141_{name.upper()}": str(value) for name, value in values.items()},
        MAGIC141_TEST_FAULT="segfault:2",
        MAGIC141_TEST_ONCE=str(once),
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="50",
    )
    modules = {"api": ["app.serve"], "hooks": ["worker.hooks"]}
    modules |= {name: ["tests.worker.tiny_worker", name, "0.04"] for name in ("worker-0", "worker-1")}
    logs = {name: tmp_path / f"{name}.log" for name in modules}
    processes = {}
    for name, argv in modules.items():
        with logs[name].open("wb") as log:
            command = [sys.executable, "-m", *argv]
            processes[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)

    def down() -> dict[str, list[dict[str, Any]]]:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(timeout=60)
        return {
            name: [json.loads(line) for line in log.read_text().splitlines()] for name, log in logs.items()
        }

    yield House(f"http://127.0.0.1:{port}", down)
    for process in processes.values():
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def test_one_post_is_one_trace_across_a_dead_worker(
    house: House, collector: Collector, store: JobStore
) -> None:
    wait_for(lambda: answers(house.url) and len(store.workers()) == 2)
    answer = httpx.post(
        f"{house.url}/v1/videos",
        json={"prompt": PROMPT, "seconds": 4, "webhook_url": f"{collector.url}/hook"},
        headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "x-request-id": REQUEST},
    )
    assert (answer.status_code, answer.headers["x-request-id"]) == (202, REQUEST)
    job_id = answer.json()["id"]
    wait_for(lambda: store.get(job_id).state is JobState.SUCCEEDED and len(collector.hooks) == 2)
    assert store.get(job_id).attempts == 2
    assert httpx.get(f"{house.url}/v1/jobs/{job_id}").headers["x-request-id"].startswith("req_")
    lines = house.down()

    everything = collector.spans()
    spans = [span for span in everything if span.trace == TRACE]
    # All that is outside is a later request, which said of no trace that it belongs to it.
    assert {span.name for span in everything if span.trace != TRACE} == {"GET /v1/jobs/{job_id}"}

    def named(name: str) -> list[Span]:
        return sorted((span for span in spans if span.name == name), key=lambda span: span.start)

    def children(span: Span) -> list[Span]:
        return [child for child in spans if child.parent == span.id]

    (request,) = named("POST /v1/videos")
    assert (request.service, request.parent) == ("magic141-api", CALLER)
    assert request.attributes["job.id"] == job_id
    assert request.attributes["http.response.status_code"] == 202

    (last,) = named("slice")  # the first one's worker did not live to tell of it
    assert (last.service, last.parent) == ("magic141-worker", request.id)
    assert (last.attributes["job.id"], last.attributes["attempt"]) == (job_id, 2)
    assert (last.attributes["worker"], last.attributes["outcome"]) == (store.get(job_id).worker, "succeeded")
    assert {child.name for child in children(last)} == {"window", "finish"}
    windows = named("window")
    assert {window.attributes["window.index"] for window in windows} == {0, 1, 2, 3}
    assert windows[0].parent not in {last.id, request.id}, "of the slice that is lost"
    (painted,) = named("text_to_image")
    assert painted.parent == windows[0].parent
    for window in (span for span in children(last) if span.name == "window"):
        stages = {child.name: child for child in children(window)}
        assert set(stages) == STAGES
        assert all(window.start <= stage.start <= stage.end <= window.end for stage in stages.values())
        assert stages["decode"].start == stages["denoise"].end <= stages["encode"].start
        # four steps of 0.04 s
        assert stages["denoise"].end - stages["denoise"].start > 0.15e9

    refused, delivered = named("webhook")
    assert {refused.parent, delivered.parent} == {request.id}
    assert collector.hooks == [f"00-{TRACE}-{span.id}-01" for span in (refused, delivered)]
    assert (refused.failed, delivered.failed) == (True, False)
    assert (refused.attributes["attempt"], delivered.attributes["http.response.status_code"]) == (1, 200)

    assert not any(b"hippopotamus" in body for body in collector.bodies)
    assert "hippopotamus" not in json.dumps(lines)
    check_lines(lines, job_id, last)


def check_lines(lines: dict[str, list[dict[str, Any]]], job_id: str, last: Span) -> None:
    for line in (line for found in lines.values() for line in found):
        assert {"time", "level", "logger", "message", "service"} <= set(line)
    ours = {"job_id": job_id, "trace_id": TRACE}

    def about(name: str, **fields: object) -> list[dict[str, Any]]:
        return [line for line in lines[name] if (fields | ours).items() <= line.items()]

    (posted,) = about("api", logger="uvicorn.access", request_id=REQUEST)
    assert (posted["status"], posted["route"], posted["method"]) == (202, "/v1/videos", "POST")
    got = [line for line in lines["api"] if line.get("route") == "/v1/jobs/{job_id}"]
    assert [line["job_id"] for line in got] == [job_id]
    assert [line["trace_id"] for line in got] != [TRACE]
    assert any(line["logger"] == "uvicorn.error" for line in lines["api"])
    (ended,) = about(last.attributes["worker"], logger="worker.slice")
    assert (ended["span_id"], ended["worker"]) == (last.id, last.attributes["worker"])
    assert [line["level"] for line in about("hooks", logger="worker.hooks")] == ["info", "info"]
