"""A proxy before the real server that answers badly on request: refuses, loses an answer, breaks one off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True)
class Mood:
    """What befalls the next request whose line begins with `line`."""

    line: str
    status: int | None = None
    """Answered so, without asking the server."""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """The server does it, and of its answer's body so many bytes come back; -1: not even its head."""


@dataclass
class Moody:
    url: str = ""
    moods: list[Mood] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def next_mood(self, line: str) -> Mood | None:
        mood = next((mood for mood in self.moods if line.startswith(mood.line)), None)
        if mood:
            self.moods.remove(mood)
        return mood


@contextmanager
def moody(server_url: str) -> Iterator[Moody]:
    proxy = Moody()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            line = f"{self.command} {self.path}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            proxy.seen.append((line, headers))
            body = self.rfile.read(int(headers.get("content-length", 0)))
            mood = proxy.next_mood(line) or Mood("")
            if mood.status:
                self.send_response(mood.status)
                for name, value in {**mood.headers, "content-length": "4"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"busy")
                return
            with httpx.stream(
                self.command, server_url + self.path, headers=headers, content=body, timeout=30
            ) as answer:
                self._pass_on(answer, mood.cut_after)

        def _pass_on(self, answer: httpx.Response, left: int | None) -> None:
            self.close_connection = True
            if left == -1:
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            chunked = "content-length" not in answer.headers
            if chunked:
                self.send_header("transfer-encoding", "chunked")
            self.send_header("connection", "close")
            self.end_headers()
            for part in answer.iter_raw():
                if left is not None:
                    part, left = part[:left], left - len(part[:left])
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked and part else part)
                if left == 0:
                    return
            if chunked:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_DELETE = _any
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *args: object) -> None:
            pass  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
