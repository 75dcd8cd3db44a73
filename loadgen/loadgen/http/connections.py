"""Connections to the target: opened only to permitted addresses, and idle for a second at most."""

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
from loadgen.http.answer_heads import AnswerHeads
from loadgen.http.endpoints import Endpoint

MOST_IDLE_SECONDS: Final = 1.0
_READ_BYTES: Final = 1 << 16


class AddressDeniedError(OSError):
    """The address rules forbid a connection, or nothing may be sent to the address any more."""


class Connection(ResponseHandler):
    """One connection. aiohttp parses its answers, as for its own client, except those whose heads `heads` knows.

    What is written goes to the system at once, as far as the system takes it. `is_answering` says that something has
    come since an answer was expected. Two instants of the monotonic clock belong to the answer that is expected:
    `last_data_at` is when the last of it was noticed, and `writable_at` is when it was noticed that the system takes
    more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, uses_tls: bool, heads: AnswerHeads | None = None) -> None:
        super().__init__(loop)
        self._heads = heads or AnswerHeads(loop)
        self._is_unparsed = False
        # TLS would call an empty buffer full where the limit is 0.
        self._write_buffer_limit_bytes = 1 if uses_tls else 0
        self._writable: asyncio.Future[None] | None = None
        self._deadline = inf
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._last_data = b""
        self.is_answering = False
        self.idle_since = 0.0
        self.writable_at: float | None = None
        self.last_data_at: float | None = None

    @property
    def deadline(self) -> float:
        """The instant at which the exchange fails."""
        return self._deadline

    @property
    def is_untouched(self) -> bool:
        """Whether nothing came on it since `rest`, and it can still be used."""
        transport = self.transport
        return (
            self.last_data_at is None
            and self._exception is None
            and transport is not None
            and not transport.is_closing()
        )

    def rest(self, now: float) -> None:
        """No exchange is under way from now on."""
        self._deadline = inf
        self.idle_since = now
        self.last_data_at = None

    @property
    def takes_more(self) -> bool:
        """Whether more can be sent, and is wanted: there is no answer yet, and there may be one."""
        transport = self.transport
        return not self._buffer and self._exception is None and transport is not None and not transport.is_closing()

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or will be none: nothing more needs to be sent."""
        return bool(self._buffer) or self._exception is not None

    def expect_answer(self) -> None:
        """Take what comes from now on for the answer to a new request."""
        self.is_answering = False
        self.writable_at = self.last_data_at = None
        self._is_unparsed = True

    def _begin_parsing(self) -> None:
        self._is_unparsed = False
        self.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=_READ_BYTES)

    def set_deadline(self, deadline: float) -> None:
        """Let the exchange fail with a TimeoutError at this instant of the event loop's clock; never, at infinity.

        An alarm for an earlier instant stays, and is set again when it fires. This costs less than an alarm for each
        upload.
        """
        self._deadline = deadline
        if deadline < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._set_alarm(deadline)

    def _set_alarm(self, at: float) -> None:
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm, self._alarm_at = None, inf
        if self._loop.time() < self._deadline:
            if self._deadline < inf:
                self._set_alarm(self._deadline)
            return
        self.set_exception(TimeoutError())

    async def wait_until_writable(self) -> None:
        """Wait until the system has taken all that was written, or the exchange is over."""
        while self.writing_paused and not self.is_over:
            self._writable = self._loop.create_future()
            await self._writable

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=self._write_buffer_limit_bytes, low=0)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if exc is not None:
            # An answer that lasts until its connection ends is whole only if that ends in good order.
            self._fail_answer(aiohttp.ClientPayloadError(str(exc)))
        if self._payload is not None and not self._payload.is_eof():
            # The end of the connection is the end of such an answer.
            self.last_data_at = time.monotonic()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self.writable_at = time.monotonic()
        super().resume_writing()
        self._wake_writer()

    def data_received(self, data: bytes) -> None:
        self.last_data_at = time.monotonic()
        if self._is_unparsed:
            answer: Any = self._heads.whole_answer(data)
            if answer is not None:
                self._is_unparsed = False
                self.is_answering = True
                # It is no interim answer.
                super().feed_data(answer)
                if self._writable is not None:
                    self._wake_writer()
                return
            self._begin_parsing()
        self._last_data = data
        super().data_received(data)
        self._last_data = b""
        self.is_answering = True

    def _parse_again(self) -> None:
        """Parse an answer that came in one read with bytes that are not HTTP.

        The parser gives nothing of such a read. But the meaning of a redirect or of a missing marker does not depend
        on how the network divided the answer.
        """
        head, end, rest = self._last_data.partition(b"\r\n\r\n")
        self._last_data = b""
        if rest and not self.is_over and (self._payload is None or self._payload.is_eof()):
            self.expect_answer()
            self._begin_parsing()
            super().data_received(head + end)
            super().data_received(rest)

    def feed_data(self, data: Any, size: int = 0) -> None:
        status = data[0].code
        if 100 <= status < 200 and status != 101:
            # An interim answer (RFC 9110, section 15.2); the one that counts is still to come.
            return
        super().feed_data(data, size)
        self._wake_writer()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if isinstance(exc, HttpProcessingError):
            self._parse_again()
        super().set_exception(exc, *cause)
        self._fail_answer(exc)
        self._wake_writer()

    def _fail_answer(self, exc: BaseException) -> None:
        """End the reading of an answer whose rest will not come. Otherwise only a time-out would end it."""
        if self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(exc)

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None


class Connections:
    """Opens connections that `rules` permit, over https with `tls`. With `keep_alive` later uploads use them again."""

    def __init__(self, rules: AddressRules, tls: ssl.SSLContext | None, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self._rules = rules
        self._tls = tls
        self._heads = AnswerHeads(asyncio.get_running_loop())
        self._idle: dict[tuple[Endpoint, str | None], list[Connection]] = {}
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take_idle(self, endpoint: Endpoint, server_hostname: str | None) -> Connection | None:
        """The connection that became idle last, if one can still be used."""
        idle = self._idle.get((endpoint, server_hostname))
        while idle:
            connection = idle.pop()
            # Something unasked may have arrived on it; it must not be taken for the next answer.
            if connection.is_untouched and time.monotonic() - connection.idle_since < MOST_IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def open(self, endpoint: Endpoint, server_hostname: str | None) -> Connection:
        """A new connection, over TLS if there is a name to check.

        Raises OSError if it cannot be opened, and AddressDeniedError if the rules forbid it.
        """
        if not self._rules.permits(endpoint.ip, endpoint.port):
            raise AddressDeniedError(errno.EACCES, f"connections to {endpoint.ip} are not allowed")
        loop = asyncio.get_running_loop()
        uses_tls = server_hostname is not None
        _, connection = await loop.create_connection(
            lambda: Connection(loop, uses_tls=uses_tls, heads=self._heads),
            endpoint.ip,
            endpoint.port,
            ssl=(self._tls or True) if uses_tls else None,
            server_hostname=server_hostname,
        )
        return connection

    def give_back(self, connection: Connection, endpoint: Endpoint, server_hostname: str | None) -> None:
        """The connection is idle from now on."""
        if not self.keep_alive or connection.should_close:
            connection.close()
            return
        connection.rest(time.monotonic())
        self._idle.setdefault((endpoint, server_hostname), []).append(connection)
        if self._sweep_timer is None:
            self._sweep_in(MOST_IDLE_SECONDS)

    def close(self) -> None:
        """Close what is idle."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._close_idle(time.monotonic())

    def _sweep_in(self, seconds: float) -> None:
        self._sweep_timer = asyncio.get_running_loop().call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        """Close what was idle for too long, and come again when the next would be."""
        self._sweep_timer = None
        now = time.monotonic()
        self._close_idle(now - MOST_IDLE_SECONDS)
        oldest = min((idle[0].idle_since for idle in self._idle.values()), default=None)
        if oldest is not None:
            self._sweep_in(max(0.0, oldest + MOST_IDLE_SECONDS - now))

    def _close_idle(self, since: float) -> None:
        """Close all that have been idle since this instant or longer; the oldest stand first."""
        for key, idle in list(self._idle.items()):
            while idle and idle[0].idle_since <= since:
                idle.pop(0).close()
            if not idle:
                del self._idle[key]
