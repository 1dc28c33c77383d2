"""Event streams: cut anywhere, they mean the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.client.event import Event, EventParser

STREAM = (
    "\ufeff: ping\r\n\r\n"
    'id: 1-0\nevent: queued\ndata: {"id": "a"}\n\n'
    "event: nothing comes of this\n\n"
    'id: 2-0\revent:window\rdata: {"é":\rdata: [1]}\rretry: 5\runknown\r\r'
    'data: {"no": "type"}\r\nid: bad\0id\r\n\r\n'
    "id: 9-0\nevent: unfinished\ndata: {}"
).encode()
EVENTS = [
    Event("1-0", "queued", {"id": "a"}),
    Event("2-0", "window", {"é": [1]}),
    Event("2-0", "message", {"no": "type"}),
]


def parse(*parts: bytes) -> list[Event]:
    parser = EventParser()
    return [event for part in parts for event in parser.feed(part)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_a_size(size: int) -> None:
    assert parse(*(STREAM[at : at + size] for at in range(0, len(STREAM), size))) == EVENTS


@given(st.lists(st.integers(0, len(STREAM))))
def test_pieces_of_any_size(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(STREAM)]
    assert parse(*(STREAM[a:b] for a, b in pairwise(ends))) == EVENTS
