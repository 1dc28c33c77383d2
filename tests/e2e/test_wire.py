"""The wire of the chaos suite does what its trials count on."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.wire import Wire, wire


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


@pytest.fixture
def echoed() -> Iterator[Wire]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with wire(server.server_address[1]) as made:
            yield made
        server.shutdown()


def connect(echoed: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", echoed.port), timeout=5)


def said(line: socket.socket) -> bytes:
    line.sendall(b"hello")
    return line.recv(16)


def test_it_carries_both_ways_and_may_be_slow(echoed: Wire) -> None:
    with connect(echoed) as line:
        assert said(line) == b"hello"
        echoed.delay_seconds = 0.2
        began = time.monotonic()
        assert said(line) == b"hello"
        assert time.monotonic() - began >= 0.4  # there and back


def test_a_cut_ends_what_is_open_and_nothing_that_comes(echoed: Wire) -> None:
    with connect(echoed) as line:
        assert said(line) == b"hello"
        echoed.cut()
        with pytest.raises(OSError, match="reset"):
            said(line)
    with connect(echoed) as line:
        assert said(line) == b"hello"


def test_while_it_is_closed_nothing_passes(echoed: Wire) -> None:
    echoed.open = False
    with connect(echoed) as line, pytest.raises((OSError, AssertionError)):
        assert said(line) == b"hello"
    echoed.open = True
    with connect(echoed) as line:
        assert said(line) == b"hello"
