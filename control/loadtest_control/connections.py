"""Connections to control servers: kept for a while after an answer, for the next request to the same pod."""

import asyncio
import errno
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

IDLE_SECONDS: Final = 15.0
"""How long a connection is kept after an answer; a pod's server keeps it for longer."""
_READ_BYTES: Final = 1 << 16


class Connection(ResponseHandler):
    """One connection. aiohttp parses its answers, as it does for its own client; one parser reads all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_loss: Callable[["Connection"], None]) -> None:
        super().__init__(loop)
        self._on_loss = on_loss
        self.idle_since = 0.0
        self.is_answering = False

    @property
    def is_reusable(self) -> bool:
        """Whether another request can be sent: nothing came unasked, and the last answer is complete."""
        return self.is_connected() and not self.should_close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=_READ_BYTES)

    def data_received(self, data: bytes) -> None:
        self.is_answering = True
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        payload = self._payload
        super().connection_lost(exc)
        if exc is not None and payload is not None and not payload.is_eof() and payload.exception() is None:
            # An answer that lasts until its connection ends is whole only if that ends in good order.
            payload.set_exception(aiohttp.ClientPayloadError(str(exc)))
        self._on_loss(self)


class Connections:
    """Opens connections by address (`host:port`, the host in numbers), and keeps those that can be used again."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[str, list[Connection]] = {}
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take_idle(self, address: str) -> Connection | None:
        """The connection that became idle last, if one can still be used."""
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                connection.is_answering = False
                return connection
            connection.close()
        return None

    async def open(self, address: str) -> Connection:
        """A new connection.

        Raises OSError if it cannot be opened, also if `address` is not one.
        """
        host, _, port = address.rpartition(":")
        try:
            ip = ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError as error:
            raise OSError(errno.EINVAL, f"{address} is no address of a control server") from error
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._loop, lambda lost: self._forget(address, lost)), str(ip), int(port)
        )
        return connection

    def give_back(self, address: str, connection: Connection) -> None:
        """The connection has had its whole answer."""
        if not connection.is_reusable:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(address, []).append(connection)
        if self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(IDLE_SECONDS, self._sweep)

    def close(self) -> None:
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for idle in list(self._idle.values()):
            for connection in list(idle):
                connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        """Close what has been idle for long, and look again while there is something."""
        now = time.monotonic()
        for idle in list(self._idle.values()):
            for connection in [each for each in idle if now - each.idle_since >= IDLE_SECONDS]:
                idle.remove(connection)
                connection.close()
        self._idle = {address: idle for address, idle in self._idle.items() if idle}
        self._sweep_timer = self._loop.call_later(IDLE_SECONDS, self._sweep) if self._idle else None

    def _forget(self, address: str, lost: Connection) -> None:
        idle = self._idle.get(address)
        if idle is not None and lost in idle:
            idle.remove(lost)
            if not idle:
                del self._idle[address]
