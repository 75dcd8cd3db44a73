"""Connections to the target: opened only to addresses that are permitted, and kept for a second at most."""

import asyncio
import errno
import ssl
import time
from math import inf
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError

from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import Endpoint

KEPT_IDLE_SECONDS: Final = 1.0
_READ_BYTES: Final = 1 << 16


class AddressDeniedError(OSError):
    """The address rules forbid a connection, or nothing may be sent to the address any more."""


class Connection(ResponseHandler):
    """One connection. Its answers are parsed by aiohttp, whose own client has it in the same way.

    What is written is handed to the system at once, as far as that takes it. `is_answering` says that something has
    come since an answer was expected, `heard_at` when the last of it was noticed, and `taken_at` when it was noticed
    that the system takes more; both are instants of the monotonic clock.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, secure: bool) -> None:
        super().__init__(loop)
        # TLS would call an empty buffer full where the limit is 0.
        self._most_buffered_bytes = 1 if secure else 0
        self._sender: asyncio.Future[None] | None = None
        self._until = inf
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._piece = b""
        self.is_answering = False
        self.idle_since = 0.0
        self.taken_at: float | None = None
        self.heard_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or will be none: nothing more needs to be sent."""
        return len(self) > 0 or self.exception() is not None

    def expect_answer(self) -> None:
        """Take what comes from now on for the answer to a new request."""
        self.is_answering = False
        self.taken_at = self.heard_at = None
        self.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=_READ_BYTES)

    def bear_until(self, until: float) -> None:
        """Let the exchange fail with a TimeoutError at this instant of the event loop's clock; never, at infinity.

        An alarm that was set for an earlier one is left to ring and then set anew, which costs less than to set one
        for each upload.
        """
        self._until = until
        if until < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._set_alarm(until)

    def _set_alarm(self, at: float) -> None:
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, inf
        if self._loop.time() < self._until:
            if self._until < inf:
                self._set_alarm(self._until)
            return
        self.set_exception(TimeoutError())

    async def taken(self) -> None:
        """Wait until the system has taken all that was written, or the exchange is over."""
        while self.writing_paused and not self.is_over:
            self._sender = self._loop.create_future()
            await self._sender

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=self._most_buffered_bytes, low=0)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if exc is not None:
            # An answer that lasts until its connection ends is whole only where that ends in good order.
            self._break_answer(aiohttp.ClientPayloadError(str(exc)))
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self.taken_at = time.monotonic()
        super().resume_writing()
        self._wake()

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self._piece = data
        super().data_received(data)
        self._piece = b""
        self.is_answering = True

    def _hear_again(self) -> None:
        """Take an answer for what it is although it came in one piece with what is no HTTP.

        The parser gives nothing of such a piece, but what a redirect or a lost marker means does not depend on how an
        answer was cut up on its way.
        """
        head, end, rest = self._piece.partition(b"\r\n\r\n")
        self._piece = b""
        if rest and not self.is_over and (self._payload is None or self._payload.is_eof()):
            self.expect_answer()
            super().data_received(head + end)
            super().data_received(rest)

    def feed_data(self, data: Any, size: int = 0) -> None:
        status = data[0].code
        if 100 <= status < 200 and status != 101:
            # An interim answer (RFC 9110, section 15.2); the one that counts is still to come.
            return
        super().feed_data(data, size)
        self._wake()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if isinstance(exc, HttpProcessingError):
            self._hear_again()
        super().set_exception(exc, *cause)
        self._break_answer(exc)
        self._wake()

    def _break_answer(self, exc: BaseException) -> None:
        """Tell whoever reads an answer that the rest of it will not come; else only a time-out would."""
        if self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(exc)

    def _wake(self) -> None:
        if self._sender is not None and not self._sender.done():
            self._sender.set_result(None)
        self._sender = None


class Connections:
    """Opens connections where `rules` permit, over https with `tls`, and keeps them for the next upload if told to."""

    def __init__(self, rules: AddressRules, tls: ssl.SSLContext | None, *, keep: bool) -> None:
        self.keep = keep
        self._rules = rules
        self._tls = tls
        self._kept: dict[tuple[Endpoint, str | None], list[Connection]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def kept(self, endpoint: Endpoint, server_hostname: str | None) -> Connection | None:
        """The connection that became idle last, if one can still be used."""
        waiting = self._kept.get((endpoint, server_hostname))
        while waiting:
            connection = waiting.pop()
            # Something unasked may have arrived on it; it must not be taken for the next answer.
            is_usable = connection.is_connected() and not connection.should_close
            if is_usable and time.monotonic() - connection.idle_since < KEPT_IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def open(self, endpoint: Endpoint, server_hostname: str | None) -> Connection:
        """A new connection, over TLS where there is a name to check.

        Raises OSError where there is none, and AddressDeniedError where there must be none.
        """
        if not self._rules.permits(endpoint.ip, endpoint.port):
            raise AddressDeniedError(errno.EACCES, f"connections to {endpoint.ip} are not allowed")
        loop = asyncio.get_running_loop()
        secure = server_hostname is not None
        _, connection = await loop.create_connection(
            lambda: Connection(loop, secure=secure),
            endpoint.ip,
            endpoint.port,
            ssl=(self._tls or True) if secure else None,
            server_hostname=server_hostname,
        )
        return connection

    def give_back(self, connection: Connection, endpoint: Endpoint, server_hostname: str | None) -> None:
        """The connection is idle from now on."""
        if not self.keep or connection.should_close:
            connection.close()
            return
        connection.bear_until(inf)
        connection.idle_since = time.monotonic()
        self._kept.setdefault((endpoint, server_hostname), []).append(connection)
        if self._sweeping is None:
            self._sweep_in(KEPT_IDLE_SECONDS)

    def close(self) -> None:
        """Close what is idle."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._close_idle(time.monotonic())

    def _sweep_in(self, seconds: float) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        """Close what was idle for too long, and come again when the next would be."""
        self._sweeping = None
        now = time.monotonic()
        self._close_idle(now - KEPT_IDLE_SECONDS)
        oldest = min((each[0].idle_since for each in self._kept.values()), default=None)
        if oldest is not None:
            self._sweep_in(max(0.0, oldest + KEPT_IDLE_SECONDS - now))

    def _close_idle(self, since: float) -> None:
        """Close all that have been idle since this instant or longer; the oldest stand first."""
        for key, waiting in list(self._kept.items()):
            while waiting and waiting[0].idle_since <= since:
                waiting.pop(0).close()
            if not waiting:
                del self._kept[key]
