"""Log lines that say which job, request and trace they belong to, as text or as one JSON object each.

What a line belongs to travels in a context variable. A thread begins without any: give it
`contextvars.copy_context().run`, and its lines say the same as those of the thread that made it.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from opentelemetry import trace

from worker.contract.settings import Settings

Field = str | int | float

_known: ContextVar[dict[str, Field] | None] = ContextVar("magic141_log_fields", default=None)
IN_TEXT = ("job_id", "request_id", "trace_id")


def begin(**fields: Field) -> None:
    """From here on this thread or task is about something else: what was known is forgotten."""
    _known.set(fields)


def add(**fields: Field) -> None:
    """What is learned on the way; seen by every thread and task of the same `begin` or `about`."""
    known = _known.get()
    if known is not None:
        known.update(fields)


@contextmanager
def about(**fields: Field) -> Iterator[None]:
    """Lines inside say `fields` beside what was known."""
    token = _known.set({**(_known.get() or {}), **fields})
    try:
        yield
    finally:
        _known.reset(token)


def known() -> dict[str, Field]:
    """What a line written now belongs to."""
    return {**(_known.get() or {}), **trace_ids()}


def trace_ids() -> dict[str, str]:
    """Those of the present span; empty outside of any."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(span.trace_id),
        "span_id": trace.format_span_id(span.span_id),
    }


class TextFormatter(logging.Formatter):
    """One line of words, with the ids at its end that its message does not name."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line, fields = super().formatMessage(record), known()
        ids = [
            f"{name}={fields[name]}" for name in IN_TEXT if name in fields and str(fields[name]) not in line
        ]
        return " ".join([line, *ids])


class JsonFormatter(logging.Formatter):
    """One JSON object: time (ISO 8601, UTC), level, logger, message, what is known, and `constant`."""

    def __init__(self, constant: dict[str, Field]) -> None:
        super().__init__()
        self._constant = constant

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Field] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._constant,
            **known(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_logging(settings: Settings, **constant: Field) -> None:
    """Called once, at a process's entry point. `constant` is what every line of it says in JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(constant) if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    if settings.log_format == "json":  # what others would write to standard error is a line, too
        handler.setLevel(settings.log_level.upper())
        for logger in map(logging.getLogger, list(logging.root.manager.loggerDict)):
            if any(type(own) is logging.StreamHandler for own in logger.handlers):  # torch, diffusers
                logger.handlers.clear()
                logger.propagate = True
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = lambda thrown: _uncaught(
            thrown.exc_type, thrown.exc_value, thrown.exc_traceback
        )


def _uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    raised = (kind, error or kind(), where)
    logging.getLogger("uncaught").critical("%s: %s", kind.__name__, error, exc_info=raised)
