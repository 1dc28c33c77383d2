"""The guarded client: what it refuses, and that it works on a real server where private ones are allowed."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote

import httpcore
import pytest

from tests.contract.hostile_urls import ALL, ELSEWHERE, LOOPBACK, WATCH, Listener, listening, offline
from worker.contract import guarded
from worker.contract.errors import TooLarge, UrlRefused


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", offline)


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one


@pytest.fixture
def allowed(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Listener:
    """Its port is one of those that may be called, so that nothing but its address is wrong with it."""
    monkeypatch.setattr(guarded, "PORTS", guarded.PORTS | {listener.port})
    listener.connections = 0
    return listener


@pytest.mark.parametrize("url", ALL)
def test_a_hostile_url_reaches_nobody(url: str, allowed: Listener) -> None:
    url = url.replace("PORT", str(allowed.port))
    with WATCH.over() as reached:
        with pytest.raises(UrlRefused):
            guarded.check_url(url)
        with pytest.raises(UrlRefused):
            guarded.fetch(url, max_bytes=10, timeout=2)
        with pytest.raises(UrlRefused):
            guarded.post(url, b"{}", {}, timeout=2)
    assert (reached, allowed.connections) == ([], 0)


def test_the_listener_would_have_seen_it(allowed: Listener) -> None:
    """Where private addresses are allowed, the same URLs do lead to it: the test above can fail."""
    for url in LOOPBACK.split():
        before = allowed.connections
        with WATCH.over() as reached, pytest.raises(UrlRefused, match="does not answer"):
            guarded.fetch(url.replace("PORT", str(allowed.port)), max_bytes=10, timeout=2, allow_private=True)
        assert reached, url
        if "::" not in url or socket.has_dualstack_ipv6():
            assert allowed.connections == before + 1, url


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "https://93.184.215.14:8443/a?b=c",
        "http://[2606:4700::1111]/",
        "http://[2a00:1450:4001::1]/",
        "http://9.9.9.9:80",
        "http://1.0.0.1/@%40?a=b#c",
    ],
)
def test_public_addresses_pass(url: str) -> None:
    guarded.check_url(url)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/picture")
        elif self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return
                time.sleep(0.1)
            return
        else:
            self.send_response(200 if self.path == "/picture" else 404)
            self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(202 if body == b"{}" and self.headers["webhook-id"] == "msg_1" else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the next look-ups answer, one after the other; the last one stays."""
    answers: list[str] = []

    def look_up(host: str, port: int, **how: Any) -> list[Any]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (part, port)) for part in address.split()]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


def test_a_name_that_leads_elsewhere_after_the_check(resolver: list[str], allowed: Listener) -> None:
    url = f"http://rebound.example:{allowed.port}/"
    resolver += ["93.184.215.14", "127.0.0.1"]
    guarded.check_url(url)
    with WATCH.over() as reached, pytest.raises(UrlRefused, match="no public address"):
        guarded.post(url, b"{}", {}, timeout=2)
    assert (reached, allowed.connections) == ([], 0)


def test_one_bad_address_among_good_ones_is_enough(resolver: list[str], allowed: Listener) -> None:
    resolver += ["93.184.215.14 127.0.0.1"]
    with WATCH.over() as reached, pytest.raises(UrlRefused, match="no public address"):
        guarded.fetch(f"http://both.example:{allowed.port}/", max_bytes=10, timeout=2)
    assert (reached, allowed.connections) == ([], 0)


def test_what_was_checked_is_what_is_called(
    resolver: list[str], allowed: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is looked up once; were it asked again, it would say 127.0.0.1."""
    called: list[str] = []

    def connect(backend: object, host: str, port: int, *args: object) -> None:
        called.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    resolver += ["93.184.215.14", "127.0.0.1"]
    with pytest.raises(UrlRefused, match="does not answer"):
        guarded.fetch(f"http://rebound.example:{allowed.port}/", max_bytes=10, timeout=2)
    assert called == ["93.184.215.14"]


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **how: answered.wait(10) and [])
    monkeypatch.setattr(guarded, "LOOK_UP_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(UrlRefused):
        guarded.check_url("http://slow.example/")
    with pytest.raises(UrlRefused):
        guarded.fetch("http://slow.example/", max_bytes=10, timeout=0.2)
    assert time.monotonic() - started < 3
    answered.set()


class _Redirector(BaseHTTPRequestHandler):
    """To wherever the query says."""

    def do_GET(self) -> None:
        status, _, where = self.path[1:].partition("?")
        if status.isdecimal():
            self.send_response(int(status))
            self.send_header("Location", unquote(where, "latin-1"))
        else:  # a relative one, which leads back here
            self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
def test_a_redirect_leads_nowhere_either(allowed: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an address that is taken for a public one, to each of the hostile URLs."""
    public, real = "127.0.0.2", guarded._is_public
    server = ThreadingHTTPServer((public, 0), _Redirector)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(guarded, "PORTS", guarded.PORTS | {server.server_port})
    monkeypatch.setattr(guarded, "_is_public", lambda address: address == public or real(address))
    try:
        for index, url in enumerate([*LOOPBACK.split(), *ELSEWHERE.split()]):
            status = (301, 302, 303, 307, 308)[index % 5]
            where = quote(url.replace("PORT", str(allowed.port)).encode(), safe="")
            asked = f"http://{public}:{server.server_port}/{status}?{where}"
            with WATCH.over(server.server_port) as reached, pytest.raises(UrlRefused):
                guarded.fetch(asked, max_bytes=10, timeout=2)
            assert (reached, allowed.connections) == ([], 0), url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_fetch_follows_and_limits(server: str) -> None:
    body, kind = guarded.fetch(f"{server}/redirect", max_bytes=1000, timeout=5, allow_private=True)
    assert (body, kind) == (b"x" * 1000, "image/png")
    with pytest.raises(TooLarge):
        guarded.fetch(f"{server}/picture", max_bytes=999, timeout=5, allow_private=True)
    for path in ("/loop", "/none"):
        with pytest.raises(UrlRefused):
            guarded.fetch(f"{server}{path}", max_bytes=1000, timeout=5, allow_private=True)


def test_a_dripping_server_is_cut_off(server: str) -> None:
    started = time.monotonic()
    with pytest.raises(UrlRefused):
        guarded.fetch(f"{server}/drip", max_bytes=1000, timeout=0.5, allow_private=True)
    assert time.monotonic() - started < 2


def test_post_gives_the_status(server: str) -> None:
    status = guarded.post(f"{server}/hook", b"{}", {"webhook-id": "msg_1"}, timeout=5, allow_private=True)
    assert status == 202
    with pytest.raises(UrlRefused):
        guarded.post(f"{server}/hook", b"{}", {}, timeout=5)
