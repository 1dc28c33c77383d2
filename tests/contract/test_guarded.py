"""The guarded client: what it refuses, and that it works on a real server where private ones are allowed."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from worker.contract import guarded
from worker.contract.errors import TooLarge, UrlRefused

HOSTILE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://localhost/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://93.184.215.14:22/",
    "http://93.184.215.14:6379/",
    "http://user:pass@93.184.215.14/",
    "http://93.184.215.14\\@127.0.0.1/",
    "http://127.0.0.1#@93.184.215.14/",
    "ftp://93.184.215.14/",
    "file:///etc/passwd",
    "gopher://93.184.215.14/",
    "http:///nohost",
    "http://",
    "//93.184.215.14/",
    "93.184.215.14",
    "not a url",
    "http://exa mple.org/",
    "http://93.184.215.14/\r\nHost: x",
    "http://[::1",
    "http://93.184.215.14:99999/",
    "http://" + "a" * 3000,
    "http://nothing.invalid/",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        guarded.check_url(url)
    with pytest.raises(UrlRefused):
        guarded.fetch(url, max_bytes=10, timeout=2)


@pytest.mark.parametrize(
    "url", ["http://93.184.215.14/", "https://93.184.215.14:8443/a?b=c", "http://[2606:4700::1111]/"]
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
