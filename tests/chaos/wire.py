"""A wire between the service and a server that it needs: it can be slow, cut, and stay cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Wire:
    """Carries TCP from a loopback port of its own to `port`, both ways.

    `delay_seconds` is added to each piece that passes, `open` False refuses new connections, `to` is the port
    that new ones lead to. All may be set from any thread.
    """

    def __init__(self, port: int) -> None:
        self.delay_seconds = 0.0
        self.open = True
        self.port = 0
        self.cuts = 0
        self.to = port  # connections that are open stay with where they went
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    def cut(self) -> None:
        """Resets every connection there is, in the middle of whatever it carries."""
        done = threading.Event()

        def abort() -> None:
            for writer in self._writers:
                # Lingering for no time is what makes it a reset, not an orderly end.
                line = writer.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                self.cuts += 1
            done.set()

        self._loop.call_soon_threadsafe(abort)
        done.wait(10)

    def run(self, ready: threading.Event) -> None:
        """Serves until `stop`."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if not self.open:
                return
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.to)
            self._writers.add(far)
            await asyncio.gather(self._one_way(reader, far), self._one_way(far_reader, writer))
        except OSError:
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    made, ready = Wire(port), threading.Event()
    thread = threading.Thread(target=made.run, args=(ready,), name=f"wire-{port}", daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        made.stop()
        thread.join(10)
