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

from localcluster.node.services import Routes, SocketAddress

_CHUNK_BYTES = 256 * 1024
_CONNECT_SECONDS = 60.0
_MAX_CONNECTIONS = 4096
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Forwarder:
    """Listens at every address that leads somewhere, so that the kernel refuses connections to the others."""

    def __init__(self, seconds: float) -> None:
        """seconds pass at least between two changes of where connections go, but the first is made at once."""
        self._seconds = seconds
        self._next_routes: Routes = {}
        self._routes: Routes = {}
        self._changed = asyncio.Event()
        self._listeners: dict[SocketAddress, asyncio.Server] = {}
        self._unavailable: set[SocketAddress] = set()
        self._connections: set[asyncio.Task[None]] = set()

    def set_routes(self, routes: Routes) -> None:
        """Have connections go where routes says, from the next change on."""
        if routes != self._next_routes:
            self._next_routes = routes
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
        self._routes = self._next_routes
        for address in [address for address in self._listeners if not self._routes.get(address)]:
            self._listeners.pop(address).close()
        self._unavailable &= self._routes.keys()
        for address, endpoints in self._routes.items():
            if endpoints and address not in self._listeners:
                await self._listen(address)

    async def _listen(self, address: SocketAddress) -> None:
        try:
            self._listeners[address] = await asyncio.start_server(
                self._connection_handler(address), *address, limit=_CHUNK_BYTES, backlog=1024
            )
        except OSError as error:
            # Ports below 1024 need root; whoever connects is refused.
            if address not in self._unavailable:
                self._unavailable.add(address)
                print(f"no Service at {address[0]}:{address[1]}: {error}", file=sys.stderr)

    def _connection_handler(
        self, address: SocketAddress
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            endpoints = self._routes.get(address)
            if not endpoints or len(self._connections) >= _MAX_CONNECTIONS:
                _reset(writer)
                return
            join_task = asyncio.create_task(_join(reader, writer, random.choice(endpoints)))
            self._connections.add(join_task)
            join_task.add_done_callback(self._connections.discard)

        return handle_connection


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: SocketAddress) -> None:
    """Pass on everything both ways until both have ended, or either is reset."""
    writers = [writer]
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            far_reader, far_writer = await asyncio.open_connection(*endpoint, limit=_CHUNK_BYTES)
        writers.append(far_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, far_writer))
            group.create_task(_copy(far_reader, writer))
        for each_writer in writers:
            each_writer.close()
    except* OSError:
        pass
    finally:
        # Nothing is left to be reset of what was closed.
        for each_writer in writers:
            if not each_writer.is_closing():
                _reset(each_writer)


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
