"""The one HTTP client for URLs that users give (images, webhooks).

It resolves a name once, refuses unless every address it got is public, and connects to an address it has
checked, so no second look-up can lead elsewhere. Redirects go through the same gate; proxies are not used.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from worker.contract.errors import TooLarge, UrlRefused

PORTS = frozenset({80, 443, 8080, 8443})
MAX_REDIRECTS = 3
MAX_URL_CHARS = 2048
# Python calls these global, yet they lead on to any IPv4 address: NAT64, 6to4, Teredo, IPv4-compatible.
TUNNELS = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
)


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raises UrlRefused unless the URL is well formed and its name resolves to public addresses only."""
    parts = _split(url, allow_private)
    _resolve(str(parts.hostname), _port(parts), allow_private)


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
            url = urljoin(url, location)
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
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("url_refused", "the URL must carry no user name")
    if port not in PORTS and not allow_private:
        raise UrlRefused("url_refused", f"port {port} is not one of {sorted(PORTS)}")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _resolve(host: str, port: int, allow_private: bool) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UrlRefused("url_refused", f"the host {host} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not allow_private and not all(map(_is_public, addresses)):
        raise UrlRefused("url_refused", f"the host {host} is not on the public internet")
    return addresses


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 6 and (ip.ipv4_mapped is not None or any(ip in tunnel for tunnel in TUNNELS)):
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
        for address in _resolve(host, port, self._allow_private):
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
