"""URLs that the service must call for nobody, and what sees whether it did."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# `PORT` is one that is allowed, and on which this machine listens, at every address it has.
LOOPBACK = """
http://127.0.0.1:PORT/
HTTP://127.0.0.1:PORT/
http://127.1:PORT/
http://127.0.1:PORT/
http://127.255.255.254:PORT/
http://2130706433:PORT/
http://0x7f000001:PORT/
http://0X7F.0.0.1:PORT/
http://0x7f.1:PORT/
http://0177.0.0.1:PORT/
http://00000177.0.0.01:PORT/
http://017700000001:PORT/
http://0x7f.0.0x0.01:PORT/
http://0:PORT/
http://0.0.0.0:PORT/
http://localhost:PORT/
http://LocalHost:PORT/
http://[::1]:PORT/
http://[0:0:0:0:0:0:0:1]:PORT/
http://[0000::0001]:PORT/
http://[::]:PORT/
http://[::ffff:127.0.0.1]:PORT/
http://[::ffff:7f00:1]:PORT/
http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/
"""
# These name no address of this machine, or are no URLs; some parsers make one of them all the same.
ELSEWHERE = """
http://localhost.:PORT/
http://sub.localhost:PORT/
http://sub.localhost.:PORT/
http://localhost.localdomain:PORT/
http://127.0.0.1.:PORT/
http://127.0.0.1.nip.invalid:PORT/
http://256.256.256.256:PORT/
http://4294967297:PORT/
http://10.0.0.1:PORT/
http://10.1:PORT/
http://0xa000001:PORT/
http://172.16.0.1:PORT/
http://172.31.255.255:PORT/
http://192.168.1.1:PORT/
http://3232235777:PORT/
http://100.64.0.1:PORT/
http://100.127.255.254:PORT/
http://169.254.169.254/latest/meta-data/
http://169.254.169.254:PORT/computeMetadata/v1/
http://2852039166/latest/meta-data/
http://0xa9fea9fe/
http://0251.0376.0251.0376/
http://169.254.43518/
http://169.254.170.2/v2/credentials
http://metadata.google.internal/computeMetadata/v1/
http://192.0.0.9:PORT/
http://192.0.0.170:PORT/
http://192.0.2.1:PORT/
http://192.88.99.1:PORT/
http://198.18.0.1:PORT/
http://198.51.100.1:PORT/
http://203.0.113.1:PORT/
http://224.0.0.1:PORT/
http://240.0.0.1:PORT/
http://255.255.255.255:PORT/
http://[::127.0.0.1]:PORT/
http://[::ffff:0:127.0.0.1]:PORT/
http://[::ffff:169.254.169.254]/
http://[::ffff:10.0.0.1]:PORT/
http://[64:ff9b::127.0.0.1]:PORT/
http://[64:ff9b::a9fe:a9fe]/
http://[64:ff9b:1::7f00:1]:PORT/
http://[2002:7f00:1::]:PORT/
http://[2002:a9fe:a9fe::1]/
http://[2001:0:7f00:1::]:PORT/
http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:PORT/
http://[2001:10::1]:PORT/
http://[2001:db8::1]:PORT/
http://[3fff::1]:PORT/
http://[100::1]:PORT/
http://[5f00::1]:PORT/
http://[4000::1]:PORT/
http://[fc00::1]:PORT/
http://[fd00:ec2::254]/latest/meta-data/
http://[fd20:ce::254]/computeMetadata/v1/
http://[fe80::1]:PORT/
http://[fe80::1%25lo]:PORT/
http://[fe80::a9fe:a9fe]:PORT/
http://[::1%25lo]:PORT/
http://[fec0::1]:PORT/
http://[ff02::1]:PORT/
http://[ff0e::1]:PORT/
http://[::1:PORT/
http://::1:PORT/
http://[127.0.0.1]:PORT/
http://[v1.127.0.0.1]:PORT/
http://93.184.215.14:22/
http://93.184.215.14:25/
http://93.184.215.14:2375/
http://93.184.215.14:6379/
http://93.184.215.14:9000/
http://93.184.215.14:0/
http://93.184.215.14:-1/
http://93.184.215.14:65536/
http://93.184.215.14:99999999999/
http://93.184.215.14:8o/
http://93.184.215.14:PORT:80/
http://user:pass@93.184.215.14/
http://user@127.0.0.1:PORT/
http://@127.0.0.1:PORT/
http://:@127.0.0.1:PORT/
http://93.184.215.14@127.0.0.1:PORT/
http://93.184.215.14:80@127.0.0.1:PORT/
http://127.0.0.1:PORT#@93.184.215.14/
http://127.0.0.1:PORT?@93.184.215.14/
http://127.0.0.1:PORT%2f@93.184.215.14/
http://93.184.215.14%00@127.0.0.1:PORT/
http://93.184.215.14\\@127.0.0.1:PORT/
http:\\\\127.0.0.1:PORT\\
http://127.0.0.1:PORT\\.93.184.215.14/
http:/\\127.0.0.1:PORT/
http://93.184.215.14&@127.0.0.1:PORT/
http://%31%32%37.0.0.1:PORT/
http://127%2e0%2e0%2e1:PORT/
http://127.0.0.1%00.example.org:PORT/
http://127.0.0.1%2523.example.org:PORT/
http://%6c%6f%63alhost:PORT/
http://①②⑦.⓪.⓪.①:PORT/
http://１２７.０.０.１:PORT/
http://127。0。0。1:PORT/
http://127．0．0．1:PORT/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/
http://loc\u00adalhost:PORT/
http://l\u200bocalhost:PORT/
http://ſocalhoſt:PORT/
http://xn--:PORT/
http://xn--a:PORT/
http://xn--lcalhost-54a:PORT/
http://-:PORT/
http://.:PORT/
http://..:PORT/
http://127..0.0.1:PORT/
http://*:PORT/
http://a*b:PORT/
http://<127.0.0.1>:PORT/
http://{127.0.0.1}:PORT/
http://127.0.0.1,93.184.215.14:PORT/
http:127.0.0.1:PORT
http:/127.0.0.1:PORT/
http:///127.0.0.1:PORT/
http:////127.0.0.1:PORT/
http://?127.0.0.1:PORT/
http://
http:
//127.0.0.1:PORT/
/etc/passwd
127.0.0.1:PORT
localhost:PORT
file:///etc/passwd
file://127.0.0.1/etc/passwd
FILE:///etc/passwd
ftp://127.0.0.1:PORT/
gopher://127.0.0.1:PORT/_PING
dict://127.0.0.1:PORT/info
ldap://127.0.0.1:PORT/
tftp://127.0.0.1:PORT/
redis://127.0.0.1:PORT/
ws://127.0.0.1:PORT/
jar:http://127.0.0.1:PORT/!/
url:http://127.0.0.1:PORT/
view-source:http://127.0.0.1:PORT/
javascript:alert(1)
about:blank
unix:///var/run/docker.sock
http+unix://%2Fvar%2Frun%2Fdocker.sock/info
https://127.0.0.1:PORT/
https://[::1]:PORT/
https://localhost:PORT/
"""
SPACES = [
    " http://127.0.0.1:PORT/",
    "\thttp://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT/ ",
    "ht\ntp://127.0.0.1:PORT/",
    "http://127.0.\t0.1:PORT/",
    "http://93.184.215.14/\r\nHost: 127.0.0.1",
    "http://93.184.215.14/ HTTP/1.1\r\nX: y",
    "http://93.184.215.14\t@127.0.0.1:PORT/",
    "http://93.184.215.14 @127.0.0.1:PORT/",
    "http://127.0.0.1\x00.example.org:PORT/",
    "http://\u00a0127.0.0.1:PORT/",
    "http://\x7f127.0.0.1:PORT/",
    "\ufeffhttp://127.0.0.1:PORT/",
    "",
    " ",
    "http://" + "a" * 64 + ".example.org:PORT/",
    "http://" + "a." * 200 + "org:PORT/",
    "http://93.184.215.14/" + "a" * 3000,
    "http://127.0.0.1:PORT/?" + "a" * 3000,
    "http://" + "0" * 200 + "177.0.0.1:PORT/",
]
ALL = [*LOOPBACK.split(), *ELSEWHERE.split(), *SPACES]
assert len(set(ALL)) == len(ALL) > 180


def offline(host: str, port: int, *args: Any, **how: Any) -> list[Any]:
    """For socket.getaddrinfo: the system's own word for addresses and localhost; no name server is asked."""
    name = host.rstrip(".").lower()
    if name == "metadata.google.internal":
        host = "169.254.169.254"
    elif name.endswith(".localhost") or name == "localhost.localdomain":
        host = "127.0.0.1"
    elif name != "localhost":
        how["flags"] = socket.AI_NUMERICHOST
    return REAL(host, port, *args, **how)


REAL = socket.getaddrinfo


class Listener:
    """Counts who connects to one port of this machine, at any of its addresses."""

    def __init__(self) -> None:
        if socket.has_dualstack_ipv6():
            self._server = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            self._server = socket.create_server(("", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def stop(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join()


class Watch:
    """Every address that any thread of this process tries to connect to, less the ports of the test's own."""

    def __init__(self) -> None:
        self._own: set[int] | None = None
        self.reached: list[Any] = []
        sys.addaudithook(self._hear)  # for ever, as Python has it

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._own is not None and event in ("socket.connect", "socket.sendto"):
            address = args[1]
            if not isinstance(address, tuple) or address[1] not in self._own:
                self.reached.append(address)

    @contextmanager
    def over(self, *own: int) -> Iterator[list[Any]]:
        self._own, self.reached = set(own), []
        try:
            yield self.reached
        finally:
            self._own = None


WATCH = Watch()
