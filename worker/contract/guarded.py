"""The one HTTP client for URLs that users give (images, webhooks).

It resolves a name once, refuses unless every address it got is public, and connects to an address it has
checked, so no second look-up can lead elsewhere. Redirects go through the same gate; proxies are not used.
"""

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from worker.contract.errors import TooLarge, UrlRefused

PORTS = frozenset({80, 443, 8080, 8443})
MAX_REDIRECTS = 3
MAX_URL_CHARS = 2048
LOOK_UP_SECONDS = 5.0
HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")
"""A name, or what urlsplit found in brackets. No %, so neither an escape nor a network interface."""
UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out. What lies outside of it (NAT64, IPv4-mapped, site-local) leads elsewhere."""
# Python calls some of these global: what NATs and relays answer on, and IPv6 that leads on to any IPv4.
SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raises UrlRefused unless the URL is well formed and its name resolves to public addresses only."""
    parts = _split(url, allow_private)
    _resolve(str(parts.hostname), _port(parts), allow_private, LOOK_UP_SECONDS)


def fetch(
    url: str, *, max_bytes: int, timeout: float, allow_private: bool = False
) -> tuple[bytes, str | None]:
    """GET it, following a few redirects. Returns the body and its content type.

    Args:
        timeout: seconds for all of it, from the look-up to the last byte.

    Raises:
        UrlRefused: where it leads, or that it does not answer with 200 in time.
        TooLarge: more than `max_bytes`.
    """
    deadline = time.monotonic() + timeout
    for _ in range(MAX_REDIRECTS + 1):
        status, headers, body = _send("GET", url, {}, None, max_bytes, deadline, allow_private)
        location = headers.get("location")
        if status in (301, 302, 303, 307, 308) and location:
            url = _joined(url, location)
            continue
        if status != 200:
            raise UrlRefused("url_unreachable", f"the URL answered {status}")
        return body, headers.get("content-type")
    raise UrlRefused("url_refused", f"more than {MAX_REDIRECTS} redirects")


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, allow_private: bool = False
) -> int:
    """POST to it; redirects are not followed. Returns the status; raises UrlRefused when there is none."""
    deadline = time.monotonic() + timeout
    status, _, _ = _send("POST", url, headers, body, None, deadline, allow_private)
    return status


def _send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    max_bytes: int | None,
    deadline: float,
    allow_private: bool,
) -> tuple[int, dict[str, str], bytes]:
    parts = _split(url, allow_private)
    host, port = str(parts.hostname), _port(parts)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    shown = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        shown += f":{port}"
    sent = {"host": shown, "user-agent": "magic141", "accept-encoding": "identity", **headers}
    if body is not None:
        sent["content-length"] = str(len(body))
    where = httpcore.URL(scheme=parts.scheme, host=host, port=port, target=target)
    try:
        with (
            httpcore.ConnectionPool(network_backend=_Guarded(deadline, allow_private)) as pool,
            pool.stream(method, where, headers=list(sent.items()), content=body) as response,
        ):
            answered = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            # What a webhook's receiver writes back is nobody's business: its status is all that is wanted.
            received = b"" if max_bytes is None else _read(response, max_bytes)
            return response.status, answered, received
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        raise UrlRefused("url_unreachable", f"the URL does not answer: {type(error).__name__}") from error


def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    received = bytearray()
    for part in response.iter_stream():
        received += part
        if len(received) > max_bytes:
            raise TooLarge("too_large", f"the URL gives more than {max_bytes} bytes")
    return bytes(received)


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise UrlRefused("url_refused", f"it redirects to what is not a URL: {error}") from error


def _split(url: str, allow_private: bool) -> SplitResult:
    if len(url) > MAX_URL_CHARS or any(ord(char) <= 32 or ord(char) > 126 for char in url) or "\\" in url:
        raise UrlRefused("url_refused", "not a URL: at most 2048 printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError as error:
        raise UrlRefused("url_refused", f"not a URL: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise UrlRefused("url_refused", "only http and https URLs are called")
    if not parts.hostname:
        raise UrlRefused("url_refused", "the URL names no host")
    if not HOST.fullmatch(parts.hostname):
        raise UrlRefused("url_refused", "the URL's host is neither a name nor an address")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("url_refused", "the URL must carry no user name")
    if port not in PORTS and not allow_private:
        raise UrlRefused("url_refused", f"port {port} is not one of {sorted(PORTS)}")
    return parts


def _port(parts: SplitResult) -> int:
    default = 443 if parts.scheme == "https" else 80
    return default if parts.port is None else parts.port


def _resolve(host: str, port: int, allow_private: bool, timeout: float) -> list[str]:
    # One reason for both, as names inside a network are nobody's business.
    refused = UrlRefused("url_refused", f"the host {host} has no public address")
    try:
        addresses = _look_up(host, port).result(timeout)
    except (OSError, UnicodeError) as error:
        raise refused from error
    if not allow_private and not all(map(_is_public, addresses)):
        raise refused
    return addresses


def _look_up(host: str, port: int) -> Future[list[str]]:
    """In a thread that may be left behind: the system's resolver takes no time limit."""
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(answer[4][0]) for answer in answers)))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return found


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if (ip.version == 6 and ip not in UNICAST) or any(ip in network for network in SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class _Guarded(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets nothing last beyond the deadline."""

    def __init__(self, deadline: float, allow_private: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception | None = None
        for address in _resolve(host, port, self._allow_private, _left(self._deadline)):
            try:
                return _Timed(self._inner.connect_tcp(address, port, _left(self._deadline)), self._deadline)
            except httpcore.ConnectError as refused:
                error = refused
        raise error or httpcore.ConnectError(f"no address for {host}")


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait is cut to what is left: a peer that drips bytes cannot hold us."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(
            self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("out of time")
    return left
