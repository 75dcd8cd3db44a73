"""One upload over the wire: a POST to one address, streamed chunk by chunk, and what came of it."""

import asyncio
import errno
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Final, Protocol

import aiohttp
from aiohttp.http import HttpProcessingError
from msgspec import Struct

from loadgen.answers.judging import Answer
from loadgen.http.address_rules import AddressRules
from loadgen.http.connections import AddressDeniedError, Connection, Connections
from loadgen.http.endpoints import Endpoint
from loadgen.http.exchange_errors import translated
from loadgen.http.patience import Part, Patience, Timeouts
from loadgen.http.stalls import Stalls
from loadgen.http.upload_progress import Progress
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.spec.connecting import ConnectionUse
from loadtest_model.values import NANOSECONDS

KEPT_BELOW_ROWS: Final = 1_000
ANSWER_LIMIT_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16
_NO_TURN: Final = nullcontext()
_UNWATCHED: Final = nullcontext()
_JOINED_BELOW_BYTES: Final = 1 << 16
"""Parts smaller than this are sent together; each would else be a call of the system."""
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""How zlib is told of an encoding (RFC 9110, section 8.4.1)."""


class Request(Struct, frozen=True, kw_only=True):
    """An upload ready to be sent. `length` is the exact number of bytes in `parts`.

    `head` is the request line and the headers, each with its line end, but for those that tell of the body's length
    and of the connection. Over https `server_hostname` is the name in the target's certificate, else None.
    """

    endpoint: Endpoint
    server_hostname: str | None
    head: bytes
    length: int
    parts: Iterable[bytes | memoryview]


class Exchange(Struct, frozen=True):
    """What came of a request: a complete answer, or the kind of error that took its place, and its cause if known."""

    answer: Answer | None
    error: ErrorKind | None = None
    detail: str = ""
    cause: Cause | None = None


def keeps_connections(chosen: ConnectionUse, rows: int) -> bool:
    """Whether uploads of so many rows use connections again; small ones would else measure the connecting."""
    match chosen:
        case ConnectionUse.AUTO:
            return rows < KEPT_BELOW_ROWS
        case ConnectionUse.KEPT:
            return True
        case ConnectionUse.PER_UPLOAD:
            return False


class TurnedAwayError(Exception):
    """Nothing may be sent any more, to whatever address: the load is over. Nothing of the upload was sent."""


class Way(Protocol):
    """What a request goes by until its first byte is sent."""

    def connecting(self, bound: asyncio.Timeout) -> AbstractContextManager[None]:
        """Entered with the bound on a new connection, which may be drawn nearer while that is opened."""

    def closed(self) -> str:
        """Why nothing may be sent to the address by now; empty where something may.

        Raises TurnedAwayError where nothing may be sent to any.
        """


class Client:
    """Sends requests; made by `open_client`."""

    def __init__(self, connections: Connections, stalls: Stalls) -> None:
        self._connections = connections
        self._stalls = stalls
        self._turn = asyncio.Lock()
        self._after_length = b"\r\n\r\n" if connections.keep else b"\r\nConnection: close\r\n\r\n"

    async def post(
        self,
        request: Request,
        progress: Progress,
        timeouts: Timeouts,
        way: Way | None = None,
    ) -> Exchange:
        """Send a request and read its answer, within the time-outs.

        An answer that comes before the whole body is sent ends the sending. Cancelling drops the connection.
        A request of which nothing was sent may be posted again with the same progress; its time-outs count on. That is
        so without a connection, and where the `way` was closed before the first byte. Raises TurnedAwayError where the
        way does.
        """
        now = time.monotonic()
        patience = Patience(timeouts, progress.connecting_at or now, now)
        connection: Connection | None = None
        reusable = False
        try:
            while connection is None or (progress.reused and not progress.begun):
                # What came on a kept connection before anything was sent on it is no answer, nor an end, to this.
                progress.abort()
                connection = self._connections.kept(request.endpoint, request.server_hostname)
                progress.reused = connection is not None
                if connection is None:
                    connection = await self._open(request, progress, patience.until, way)
                progress.transport = connection.transport
                connection.expect_answer()
                await self._send(connection, request, progress, patience, way)
            answer = await _answer(connection, progress, patience)
            reusable = progress.answered and progress.last_byte_at is not None
            return Exchange(answer)
        except (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError) as error:
            progress.answer_begun = connection is not None and connection.is_answering
            progress.closed = isinstance(error, aiohttp.ServerDisconnectedError)
            return Exchange(None, *translated(error, progress, patience))
        finally:
            progress.finished_at = now = time.monotonic()
            if connection is not None:
                progress.own_seconds += self._late_seconds(_sent_at(progress), connection.heard_at or now)
                progress.own_seconds += max(0.0, now - connection.heard_at) if connection.heard_at else 0.0
                if reusable:
                    self._connections.give_back(connection, request.endpoint, request.server_hostname)
                else:
                    # Merely closing it would still send what is buffered for it, from memory that is reused.
                    progress.abort()

    async def _open(
        self,
        request: Request,
        progress: Progress,
        until: float,
        way: Way | None,
    ) -> Connection:
        if progress.connecting_at is None:
            progress.connecting_at = time.monotonic()
        async with asyncio.timeout_at(until) as bound:
            with _UNWATCHED if way is None else way.connecting(bound):
                connection = await self._connections.open(request.endpoint, request.server_hostname)
        progress.connected_at = now = time.monotonic()
        progress.own_seconds += self._late_seconds(progress.connecting_at, now)
        return connection

    def _late_seconds(self, since: float, noticed: float) -> float:
        """How much of the time between two instants may be our own, of what was noticed at the second."""
        since_ns, noticed_ns = int(since * NANOSECONDS), int(noticed * NANOSECONDS)
        return self._stalls.noticed_late_ns(since_ns, noticed_ns) / NANOSECONDS

    async def _send(
        self, connection: Connection, request: Request, progress: Progress, patience: Patience, way: Way | None
    ) -> None:
        """Write the request until it is written or the exchange is over.

        All of its time is our own but for that in which the system takes no more.
        Raises AddressDeniedError where the way was closed before the first byte, or what the way raises.
        """
        head = b"%sContent-Length: %d%s" % (request.head, request.length, self._after_length)
        taken_bytes = -len(head)
        progress.first_byte_at = now = time.monotonic()
        patience.enter(Part.UPLOAD, now)
        connection.bear_until(patience.until)
        pieces = _joined(head, request.parts)
        full_seconds = 0.0
        try:
            while True:
                # Making a piece takes a while: one uploader makes one in each turn of the event loop, or all that are
                # ready would hold up everything else together, and who sends to a fast target would never give way.
                async with self._turn if request.length >= _JOINED_BELOW_BYTES else _NO_TURN:
                    if connection.is_over or connection.transport is None or connection.transport.is_closing():
                        return
                    if way is not None and not progress.begun and (reason := way.closed()):
                        raise AddressDeniedError(errno.EACCES, reason)
                    piece = next(pieces, None)
                    if piece is None:
                        break
                    progress.begun = True
                    connection.transport.write(piece)
                    if len(piece) >= _JOINED_BELOW_BYTES:
                        await asyncio.sleep(0)
                if connection.writing_paused:
                    full_at = time.monotonic()
                    try:
                        await connection.taken()
                    finally:
                        # If this was cut, the last that was heard of the system may be of an earlier piece.
                        taken_at = connection.taken_at or 0.0
                        taken_at = taken_at if taken_at >= full_at else time.monotonic()
                        full_seconds += taken_at - full_at - self._late_seconds(full_at, taken_at)
                    if connection.writing_paused:
                        return
                taken_bytes += len(piece)
                progress.body_bytes_sent = max(0, taken_bytes)
            progress.last_byte_at = now = time.monotonic()
            patience.enter(Part.ANSWER, now)
            connection.bear_until(patience.until)
        finally:
            # However the sending ended: an upload that was cut or timed out in it counts too, at its age.
            ended_at = progress.last_byte_at or time.monotonic()
            progress.own_seconds += max(0.0, ended_at - progress.first_byte_at - full_seconds)


async def _answer(connection: Connection, progress: Progress, patience: Patience) -> Answer:
    message, content = await connection.read()
    progress.answer_at = now = time.monotonic()
    if progress.last_byte_at is None:
        patience.enter(Part.ANSWER, now)
        connection.bear_until(patience.until)
    status, headers = message.code, message.headers
    if 300 <= status < 400:
        # A redirect is one by its head, whether or not the rest of it ever comes.
        return Answer(status, headers, b"")
    body, whole = await _read(content)
    if not whole:
        return Answer(status, headers, body, whole=False)
    progress.answered = True
    decoded = _decoded(body, headers.get("Content-Encoding", ""))
    return Answer(status, headers, body, whole=False) if decoded is None else Answer(status, headers, decoded)


@asynccontextmanager
async def open_client(
    rules: AddressRules, *, keep_alive: bool, tls: ssl.SSLContext | None = None, stalls: Stalls | None = None
) -> AsyncIterator[Client]:
    """A client that connects only where `rules` permit, and over https with `tls` or else the system's authorities.

    With `keep_alive` connections are used again within a second, else each request has its own. No redirect is
    followed, no proxy of the environment used, no cookie kept. By `stalls` it tells what of an upload's time is our
    own.
    """
    connections = Connections(rules, tls, keep=keep_alive)
    try:
        yield Client(connections, stalls or Stalls())
    finally:
        connections.close()


def _sent_at(progress: Progress) -> float:
    """The last instant from which on we wait for the target."""
    known = (progress.last_byte_at, progress.first_byte_at, progress.connected_at, progress.connecting_at)
    return next((at for at in known if at is not None), 0.0)


def _joined(head: bytes, parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The head and the parts after it, with small ones that follow each other in one."""
    small: list[bytes | memoryview] = [head]
    for part in parts:
        if len(part) < _JOINED_BELOW_BYTES:
            small.append(part)
            continue
        if small:
            yield b"".join(small)
            small.clear()
        yield part
    if small:
        yield b"".join(small)


async def _read(content: aiohttp.StreamReader) -> tuple[bytes, bool]:
    """An answer's body up to the limit, and whether that is all of it."""
    if content.is_eof() and content.total_bytes <= ANSWER_LIMIT_BYTES:
        return content.read_nowait(), True
    pieces = bytearray()
    while len(pieces) <= ANSWER_LIMIT_BYTES:
        piece = await content.read(_READ_BYTES)
        pieces += piece
        if not piece or (content.at_eof() and content.exception() is None):
            break
    return bytes(pieces[:ANSWER_LIMIT_BYTES]), len(pieces) <= ANSWER_LIMIT_BYTES


def _decoded(content: bytes, encoding: str) -> bytes | None:
    """An answer's body without its content encoding; None where it is broken, unknown or longer than the limit.

    Done here, since the HTTP client takes an answer that it cannot decode for none at all, and its status is lost.
    """
    name = encoding.strip().lower()
    if name in ("", "identity") or not content:
        return content
    if name not in _WINDOW_BITS:
        return None
    unpacking = zlib.decompressobj(_WINDOW_BITS[name])
    try:
        decoded = unpacking.decompress(content, ANSWER_LIMIT_BYTES)
    except zlib.error:
        return None
    return decoded if unpacking.eof else None
