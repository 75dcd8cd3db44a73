"""One upload over the wire: a POST to one address, streamed chunk by chunk, and what came of it."""

import asyncio
import errno
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Final, Protocol

import aiohttp
from aiohttp.http import HttpProcessingError
from msgspec import Struct

from loadgen.answers.judging import HttpAnswer
from loadgen.http.address_rules import AddressRules
from loadgen.http.answer_reading import answer_of, read_answer
from loadgen.http.connections import AddressDeniedError, Connection, Connections
from loadgen.http.endpoints import Endpoint
from loadgen.http.exchange_errors import classify_error
from loadgen.http.stalls import Stalls
from loadgen.http.timeouts import DeadlinePhase, UploadDeadline, UploadTimeouts
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.spec.connecting import ConnectionUse
from loadtest_model.values import NANOSECONDS

KEEP_ALIVE_BELOW_ROWS: Final = 1_000
_NO_WATCH: Final = nullcontext()
_JOIN_BELOW_BYTES: Final = 1 << 16
"""Parts smaller than this are sent together; each would else be a call of the system."""


class Request(Struct, frozen=True, kw_only=True):
    """An upload ready to be sent. `length` is the exact number of bytes in `parts`.

    `head` is the request line and the headers, each with its line end, except those that tell of the body's length
    and of the connection. Over https `server_hostname` is the name in the target's certificate, else None.
    """

    endpoint: Endpoint
    server_hostname: str | None
    head: bytes
    length: int
    parts: Iterable[bytes | memoryview]


class Exchange(Struct, frozen=True):
    """What came of a request: a complete answer, or the kind of error that took its place, and its cause if known."""

    answer: HttpAnswer | None
    error: ErrorKind | None = None
    detail: str = ""
    cause: Cause | None = None


def keeps_connections(connection_use: ConnectionUse, rows: int) -> bool:
    """Whether uploads of so many rows use connections again; small ones would else measure the connecting."""
    match connection_use:
        case ConnectionUse.AUTO:
            return rows < KEEP_ALIVE_BELOW_ROWS
        case ConnectionUse.KEPT:
            return True
        case ConnectionUse.PER_UPLOAD:
            return False


class TurnedAwayError(Exception):
    """Nothing may be sent any more, to whatever address: the load is over. Nothing of the upload was sent."""


class SendGuard(Protocol):
    """Guards a request until its first byte is sent: it may shorten the connect, or forbid the sending."""

    @property
    def most_connect_seconds(self) -> float:
        """How long the opening of a connection may last, beside what the time-outs allow."""
        ...

    def watch_connect(self, timeout: asyncio.Timeout) -> AbstractContextManager[None]:
        """Entered with the time-out of a new connection, which may be shortened while the connection is opened."""

    def refusal_reason(self) -> str:
        """Why nothing may be sent to the address any more; empty if something may.

        Raises TurnedAwayError if nothing may be sent to any address.
        """


class Client:
    """Sends requests; made by `open_client`."""

    def __init__(self, connections: Connections, stalls: Stalls) -> None:
        self._connections = connections
        self._stalls = stalls
        self._turn = asyncio.Lock()
        self._head_end = b"\r\n\r\n" if connections.keep_alive else b"\r\nConnection: close\r\n\r\n"

    async def post(
        self,
        request: Request,
        progress: UploadProgress,
        timeouts: UploadTimeouts,
        guard: SendGuard | None = None,
    ) -> Exchange:
        """Send a request and read its answer, within the time-outs.

        An answer that comes before the whole body is sent ends the sending. Cancelling drops the connection.
        A request of which nothing was sent may be posted again with the same progress; its time-outs count on.
        Nothing was sent if there was no connection, or if the `guard` refused the request before its first byte. Raises
        TurnedAwayError if the guard does.
        """
        now = time.monotonic()
        deadline = UploadDeadline(timeouts, progress.connecting_at or now, now)
        connection: Connection | None = None
        is_reusable = False
        answered_at: float | None = None
        try:
            while True:
                connection = self._connections.take_idle(request.endpoint, request.server_hostname)
                progress.reuses_connection = connection is not None
                if connection is None:
                    if guard is not None:
                        deadline.limit_connect(guard.most_connect_seconds)
                    connection = await self._open(request, progress, deadline.ends_at, guard)
                progress.transport = connection.transport
                connection.expect_answer()
                await self._send(connection, request, progress, deadline, guard)
                if progress.has_begun or not progress.reuses_connection:
                    break
                # What came on a kept connection before anything was sent on it neither answers nor ends this request.
                progress.abort()
            message, content = await connection.read()
            progress.answer_at = now = time.monotonic()
            if progress.last_byte_at is None:
                deadline.enter(DeadlinePhase.ANSWER, now)
                connection.set_deadline(deadline.ends_at)
            answer = (
                answer_of(message, content, progress)
                if isinstance(content, bytes)
                else await read_answer(message, content, progress)
            )
            is_reusable = progress.has_answer and progress.last_byte_at is not None
            answered_at = connection.last_data_at
            return Exchange(answer)
        except (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError) as error:
            progress.has_answer_begun = connection is not None and connection.is_answering
            progress.is_closed_by_target = isinstance(error, aiohttp.ServerDisconnectedError)
            return Exchange(None, *classify_error(error, progress, deadline))
        finally:
            progress.finished_at = now = time.monotonic()
            if connection is not None:
                # The target had the upload to this instant unless the answer was complete before.
                noticed_at = answered_at or now
                progress.own_seconds += self._stalled_seconds(_waiting_since(progress), noticed_at) + now - noticed_at
                if is_reusable:
                    self._connections.give_back(connection, request.endpoint, request.server_hostname)
                else:
                    # Merely closing it would still send what is buffered for it, from memory that is reused.
                    progress.abort()

    async def _open(
        self,
        request: Request,
        progress: UploadProgress,
        ends_at: float,
        guard: SendGuard | None,
    ) -> Connection:
        if progress.connecting_at is None:
            progress.connecting_at = time.monotonic()
        async with asyncio.timeout_at(ends_at) as timeout:
            with _NO_WATCH if guard is None else guard.watch_connect(timeout):
                connection = await self._connections.open(request.endpoint, request.server_hostname)
        progress.connected_at = now = time.monotonic()
        progress.own_seconds += self._stalled_seconds(progress.connecting_at, now)
        return connection

    def _stalled_seconds(self, since: float, noticed_at: float) -> float:
        """How much of the time between two instants may be our own, of what was noticed at the second."""
        since_ns, noticed_ns = int(since * NANOSECONDS), int(noticed_at * NANOSECONDS)
        return self._stalls.stalled_ns(since_ns, noticed_ns) / NANOSECONDS

    async def _send(
        self,
        connection: Connection,
        request: Request,
        progress: UploadProgress,
        deadline: UploadDeadline,
        guard: SendGuard | None,
    ) -> None:
        """Write the request until it is written or the exchange is over.

        All of its time is our own, except while the system takes no more. Raises what `_may_write` raises.
        """
        head = b"%sContent-Length: %d%s" % (request.head, request.length, self._head_end)
        progress.sending_at = progress.own_since = now = time.monotonic()
        deadline.enter(DeadlinePhase.UPLOAD, now)
        connection.set_deadline(deadline.ends_at)
        try:
            # A request that the guard refuses here has all its parts elsewhere.
            if not _may_write(connection, progress, guard):
                return
            if request.length < _JOIN_BELOW_BYTES:
                piece = b"".join((head, *request.parts))
                _write(piece, connection, progress)
                if connection.writing_paused:
                    await self._wait_until_writable(connection, progress)
                if connection.writing_paused:
                    return
                progress.body_bytes_sent = len(piece) - len(head)
            else:
                await self._send_in_pieces(head, request, connection, progress, guard)
            if connection.takes_more:
                progress.last_byte_at = now = time.monotonic()
                deadline.enter(DeadlinePhase.ANSWER, now)
                if deadline.ends_at != connection.deadline:
                    connection.set_deadline(deadline.ends_at)
        finally:
            # However the sending ended: an upload that was cut or timed out in it counts too, at its age.
            progress.own_seconds = progress.own_seconds_until(progress.last_byte_at or time.monotonic())
            progress.own_since = None

    async def _send_in_pieces(
        self,
        head: bytes,
        request: Request,
        connection: Connection,
        progress: UploadProgress,
        guard: SendGuard | None,
    ) -> None:
        """Write a request piece by piece, each made when it is to be written; stop when the exchange is over."""
        sent_bytes = -len(head)
        parts = iter(request.parts)
        small_parts: list[bytes | memoryview] = [head]
        while True:
            # Making a piece takes a while: one uploader makes one in each turn of the event loop, or all that are ready
            # would hold up everything else together, and an upload to a fast target would never give way.
            async with self._turn:
                if not _may_write(connection, progress, guard):
                    return
                written_bytes = 0
                for piece in _next_pieces(small_parts, parts):
                    _write(piece, connection, progress)
                    written_bytes += len(piece)
                    # An upload that waits for its turn must hold no rows: they are half a megabyte.
                    del piece
                if not written_bytes:
                    return
                if written_bytes >= _JOIN_BELOW_BYTES:
                    await asyncio.sleep(0)
            if connection.writing_paused:
                await self._wait_until_writable(connection, progress)
            if connection.writing_paused:
                return
            sent_bytes += written_bytes
            progress.body_bytes_sent = max(0, sent_bytes)

    async def _wait_until_writable(self, connection: Connection, progress: UploadProgress) -> None:
        """Wait for the system, which takes no more, or for the end of the exchange."""
        full_at = time.monotonic()
        progress.own_seconds = progress.own_seconds_until(full_at)
        progress.own_since = None
        try:
            await connection.wait_until_writable()
        finally:
            # After a cut, the last that was heard of the system may be of an earlier piece.
            heard_at = connection.writable_at or 0.0
            writable_at = heard_at if heard_at >= full_at else time.monotonic()
            progress.own_seconds += self._stalled_seconds(full_at, writable_at)
            progress.own_since = writable_at


def _may_write(connection: Connection, progress: UploadProgress, guard: SendGuard | None) -> bool:
    """Whether the exchange is not over.

    Raises AddressDeniedError if the guard refuses the request before the first byte, or what the guard raises.
    """
    if not connection.takes_more:
        return False
    if guard is not None and not progress.has_begun and (reason := guard.refusal_reason()):
        raise AddressDeniedError(errno.EACCES, reason)
    return True


def _write(piece: bytes | memoryview, connection: Connection, progress: UploadProgress) -> None:
    if connection.transport is not None:
        progress.has_begun = True
        connection.transport.write(piece)


@asynccontextmanager
async def open_client(
    rules: AddressRules, *, keep_alive: bool, tls: ssl.SSLContext | None = None, stalls: Stalls | None = None
) -> AsyncIterator[Client]:
    """A client that connects only if `rules` permit it, and over https with `tls` or else the system's authorities.

    With `keep_alive` connections are used again within a second, else each request has its own. No redirect is
    followed, no proxy of the environment used, no cookie kept. By `stalls` it tells what of an upload's time is our
    own.
    """
    connections = Connections(rules, tls, keep_alive=keep_alive)
    try:
        yield Client(connections, stalls or Stalls())
    finally:
        connections.close()


def _waiting_since(progress: UploadProgress) -> float:
    """The last instant from which on we wait for the target."""
    if progress.last_byte_at is not None:
        return progress.last_byte_at
    instants = (progress.sending_at, progress.connected_at, progress.connecting_at)
    return next((at for at in instants if at is not None), 0.0)


def _next_pieces(
    small_parts: list[bytes | memoryview], parts: Iterator[bytes | memoryview]
) -> Sequence[bytes | memoryview]:
    """The small parts that are left, joined with those that follow, and the next part that is not small.

    Nothing once all parts were given. The part is given and not kept: its memory is free when it was sent.
    """
    for part in parts:
        if len(part) >= _JOIN_BELOW_BYTES:
            pieces = [b"".join(small_parts), part] if small_parts else [part]
            small_parts.clear()
            return pieces
        small_parts.append(part)
    pieces = [b"".join(small_parts)] if small_parts else []
    small_parts.clear()
    return pieces
