"""Services' addresses: each new connection is joined with one to an endpoint that is drawn anew.

What kube-proxy does with rules of the kernel is done here with two connections, which shows in two ways. An endpoint
that refuses resets the client's connection, which was open already. And who is connected sees the node's address.
"""

import asyncio
import contextlib
import random
import socket
import struct
import sys
from collections.abc import Awaitable, Callable

from localcluster.node.services import Place, Routes

_CHUNK_BYTES = 256 * 1024
_CONNECT_SECONDS = 60.0
_MAX_CONNECTIONS = 4096
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Forwarder:
    """Listens at every address that leads somewhere, so that the kernel refuses connections to the others."""

    def __init__(self, seconds: float) -> None:
        """seconds pass at least between two changes of where connections go, but the first is made at once."""
        self._seconds = seconds
        self._wanted: Routes = {}
        self._routes: Routes = {}
        self._changed = asyncio.Event()
        self._listeners: dict[Place, asyncio.Server] = {}
        self._refused: set[Place] = set()
        self._connections: set[asyncio.Task[None]] = set()

    def lead(self, routes: Routes) -> None:
        """Have connections go where routes says, from the next change on."""
        if routes != self._wanted:
            self._wanted = routes
            self._changed.set()

    async def run(self) -> None:
        """Listen until cancelled, which resets every connection; but for that they last as long as their ends do."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._apply()
                await asyncio.sleep(self._seconds)
        finally:
            for listener in self._listeners.values():
                listener.close()
            self._listeners.clear()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _apply(self) -> None:
        self._routes = self._wanted
        for place in [place for place in self._listeners if not self._routes.get(place)]:
            self._listeners.pop(place).close()
        self._refused &= self._routes.keys()
        for place, ends in self._routes.items():
            if ends and place not in self._listeners:
                await self._listen(place)

    async def _listen(self, place: Place) -> None:
        try:
            self._listeners[place] = await asyncio.start_server(
                self._connected(place), *place, limit=_CHUNK_BYTES, backlog=1024
            )
        except OSError as error:
            # Ports below 1024 need root; whoever connects is refused.
            if place not in self._refused:
                self._refused.add(place)
                print(f"no Service at {place[0]}:{place[1]}: {error}", file=sys.stderr)

    def _connected(self, place: Place) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends = self._routes.get(place)
            if not ends or len(self._connections) >= _MAX_CONNECTIONS:
                _reset(writer)
                return
            joining = asyncio.create_task(_join(reader, writer, random.choice(ends)))
            self._connections.add(joining)
            joining.add_done_callback(self._connections.discard)

        return connected


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: Place) -> None:
    """Pass on everything both ways until both have ended, or either is reset."""
    writers = [writer]
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            far_reader, far_writer = await asyncio.open_connection(*end, limit=_CHUNK_BYTES)
        writers.append(far_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, far_writer))
            group.create_task(_copy(far_reader, writer))
        for one in writers:
            one.close()
    except* OSError:
        pass
    finally:
        # Nothing is left to be reset of what was closed.
        for one in writers:
            if not one.is_closing():
                _reset(one)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        sink.write(data)
        await sink.drain()
    sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as one whose other end is gone."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    writer.transport.abort()
