"""What log lines say of whom they are about, on which thread; and that all are JSON where that is asked."""

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context

import pytest
from opentelemetry import trace

from worker.contract import logs
from worker.contract.tracing import resumed

PARENT = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
PROGRAM = """
import logging, threading, warnings
noisy = logging.getLogger("noisy")  # as torch and diffusers do
noisy.addHandler(logging.StreamHandler())
noisy.propagate = False
from rq.logutils import setup_loghandlers
from worker.contract.logs import start_logging
from worker.contract.settings import Settings
start_logging(Settings(log_format="json"), service="worker", worker="worker-0")
setup_loghandlers("WARNING", name="rq.worker")
logging.getLogger("rq.worker").warning("rq's own")
noisy.warning("a library's own")
warnings.warn("Python's own")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("the end")
"""


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    logs._known.set(None)
    yield
    logs._known.set(None)


def written(formatter: logging.Formatter, message: str, **record: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.handle(logging.makeLogRecord({"name": "a.b", "levelname": "INFO", "msg": message, **record}))
    return stream.getvalue()


def line(message: str = "hello", **record: object) -> dict[str, object]:
    (text,) = written(logs.JsonFormatter({"service": "api"}), message, **record).splitlines()
    return json.loads(text)


def test_a_line_is_one_object_whatever_is_in_it() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        told = line("%s\n\ud800", args=("né",), exc_info=sys.exc_info(), created=1.25, levelname="ERROR")
    assert (told["message"], told["level"], told["logger"]) == ("né\n\ud800", "error", "a.b")
    assert (told["time"], told["service"]) == ("1970-01-01T00:00:01.250+00:00", "api")
    assert str(told["exception"]).endswith("ValueError: two\nlines")


def test_what_is_known_nests_and_what_is_learned_is_shared() -> None:
    logs.add(job_id="nobody asked")
    assert logs.known() == {}
    logs.begin(request_id="r")
    with logs.about(job_id="j"):
        logs.add(status=202)
        assert logs.known() == {"request_id": "r", "job_id": "j", "status": 202}
    assert logs.known() == {"request_id": "r"}
    thread = threading.Thread(target=copy_context().run, args=(lambda: logs.add(job_id="k"),))
    thread.start()
    thread.join()
    assert line()["job_id"] == "k", "a route learns it on a thread, the access line is written on another"
    logs.begin(request_id="s")
    assert logs.known() == {"request_id": "s"}


def test_a_line_says_in_which_span_it_is_written() -> None:
    with trace.use_span(trace.get_current_span(resumed(PARENT))):
        told = line()
    assert (told["trace_id"], told["span_id"]) == tuple(PARENT["traceparent"].split("-")[1:3])
    assert "trace_id" not in line()


def test_a_text_line_ends_in_its_ids_before_any_traceback() -> None:
    logs.begin(request_id="req_1", job_id="video_1", route="/v1/jobs/{job_id}")
    first, *_ = written(
        logs.TextFormatter(), "hello", exc_info=(ValueError, ValueError("x"), None)
    ).splitlines()
    assert first.endswith("INFO a.b hello job_id=video_1 request_id=req_1")
    assert written(logs.TextFormatter(), "video_1: over").endswith(" video_1: over request_id=req_1\n")


def test_all_that_a_process_writes_is_json() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    lines = [json.loads(text) for text in done.stderr.splitlines()]
    assert [told["logger"] for told in lines] == ["rq.worker", "noisy", "py.warnings", "uncaught", "uncaught"]
    assert {told["worker"] for told in lines} == {"worker-0"}
    assert [told["message"] for told in lines[3:]] == [
        "ZeroDivisionError: division by zero",
        "RuntimeError: the end",
    ]
    assert done.returncode == 1
