"""Server-sent events: from the bytes of a stream to events (WHATWG HTML, 9.2.6). Reads nothing itself."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LINE_END = re.compile("\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One thing that happened to a job; a reader that comes back names the `id` of the last one it had."""

    id: str
    type: str
    """queued, started, artifact, window, cancel_requested, or the state that the job ended in."""
    data: dict[str, Any]


class EventParser:
    """`feed` it bytes as they come, cut anywhere; it gives the events that are complete."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""
        self._id = ""
        self._type = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> Iterator[Event]:
        text = self._rest + self._decode(part)
        # A carriage return at the very end may be half of a line's end.
        held = "\r" if text.endswith("\r") else ""
        *lines, rest = _LINE_END.split(text.removesuffix(held))
        self._rest = rest + held
        for line in lines:
            if line:
                self._field(*line.partition(":")[::2])
            elif self._data:
                yield Event(self._id, self._type or "message", json.loads("\n".join(self._data)))
            if not line:
                self._type, self._data = "", []

    def _field(self, name: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
