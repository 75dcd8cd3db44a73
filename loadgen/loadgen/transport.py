"""One upload over the wire: a POST to one address, streamed chunk by chunk, and what came of it.

Every exception of the HTTP client and the operating system is translated here, once, into an ErrorKind.
"""

import asyncio
import errno
import os
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter
from yarl import URL

from loadgen.address_rules import AddressRules
from loadgen.judging import Answer
from loadgen.patience import Part, Patience, Timeouts
from loadgen.tls import refuses_certificate, tls_failure
from loadtest_model.outcomes import ErrorKind
from loadtest_model.spec.connecting import Connections

KEPT_BELOW_ROWS: Final = 1_000
KEPT_IDLE_SECONDS: Final = 1.0
ANSWER_LIMIT_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16
_JOINED_BELOW_BYTES: Final = 1 << 16
"""Parts smaller than this are sent together; each would else be a call of the system."""
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""How zlib is told of an encoding (RFC 9110, section 8.4.1)."""


@dataclass(frozen=True, slots=True)
class Request:
    """An upload ready to be sent. `length` is the exact number of bytes in `parts`.

    `url` names the address to connect to; the Host header and `server_hostname` name the target.
    """

    url: URL
    server_hostname: str | None
    headers: Mapping[str, str]
    content_type: str
    length: int
    parts: Iterable[bytes | memoryview]


@dataclass(slots=True)
class Progress:
    """How far an upload has come; readable at any time, also after it was cut.

    `begun` is True as soon as a byte of the request may have left; `first_client_id` names the first row of its file.
    The instants are monotonic seconds, None where the upload never came to them: those of connecting where a kept
    connection was used, `last_byte_at` where the answer came before the body was sent. `ready_at` is when its file was
    made and nothing but the sending was left, `finished_at` when the answer was complete, or the upload given up.
    """

    begun: bool = False
    first_client_id: str | None = None
    body_bytes_sent: int = 0
    reused: bool = False
    answer_begun: bool = False
    answered: bool = False
    ready_at: float | None = None
    connecting_at: float | None = None
    connected_at: float | None = None
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    answer_at: float | None = None
    finished_at: float | None = None
    defect: Exception | None = None
    transport: asyncio.Transport | None = field(default=None, repr=False)

    @property
    def connect_seconds(self) -> float:
        """What opening the connection took, TLS included; 0 where a kept one was used."""
        return _between(self.connecting_at, self.connected_at, self.finished_at)

    @property
    def upload_seconds(self) -> float:
        """From the first byte of the body to the last one handed to the system, or to the end where none was last."""
        return _between(self.first_byte_at, self.last_byte_at, self.finished_at)

    @property
    def wait_seconds(self) -> float:
        """From the last byte of the body to the end of the answer, or of the patience; 0 where none was last."""
        return _between(self.last_byte_at, self.finished_at)

    @property
    def answer_seconds(self) -> float | None:
        """From the last byte of the body to the answer's head; 0 where it came earlier, None where none came."""
        return None if self.answer_at is None else _between(self.last_byte_at, self.answer_at)

    def forget(self) -> None:
        """Nothing was taken of what has left: it was never the target's."""
        self.begun = False
        self.body_bytes_sent = 0

    def abort(self) -> None:
        """Drop the connection at once, with what is still buffered for it."""
        if self.transport is not None:
            self.transport.abort()


def _between(begin: float | None, *ends: float | None) -> float:
    """Seconds from one instant to the first of the others that was reached; 0 where there are not both."""
    reached = next((end for end in ends if end is not None), None)
    return 0.0 if begin is None or reached is None else max(0.0, reached - begin)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a request: a complete answer, or the kind of error that took its place."""

    answer: Answer | None
    error: ErrorKind | None = None
    detail: str = ""


def keeps_connections(chosen: Connections, rows: int) -> bool:
    """Whether uploads of so many rows use connections again; small ones would else measure the connecting."""
    match chosen:
        case "Auto":
            return rows < KEPT_BELOW_ROWS
        case "Kept":
            return True
        case "PerUpload":
            return False


class AddressDeniedError(OSError):
    """The address rules forbid a connection."""


class Client:
    """Sends requests; made by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, request: Request, progress: Progress, timeouts: Timeouts) -> Exchange:
        """Send a request and read its answer, within the time-outs.

        An answer that comes before the whole body is sent ends the sending. Cancelling drops the connection.
        """
        patience = Patience(timeouts, asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout_at(patience.until) as scope:
                patience.bind(scope)
                return Exchange(await self._exchange(request, progress, patience))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            # The HTTP client wraps whatever the body's parts raise, and that is no failure of the target.
            if progress.defect is not None:
                raise progress.defect from error
            kind, detail = _translated(error, progress, patience)
            return Exchange(None, kind, detail)
        finally:
            progress.finished_at = time.monotonic()
            if progress.last_byte_at is None or not progress.answered:
                # Merely closing the connection would still send what is buffered for it, from memory that is reused.
                progress.abort()

    async def _exchange(self, request: Request, progress: Progress, patience: Patience) -> Answer:
        body = _Body(request, progress, patience)
        async with self._session.post(
            request.url,
            data=body,
            headers=request.headers,
            allow_redirects=False,
            server_hostname=request.server_hostname,
        ) as response:
            progress.answer_begun = True
            progress.answer_at = time.monotonic()
            patience.enter(Part.ANSWER)
            if 300 <= response.status < 400:
                # A redirect is one by its head, whether or not the rest of it ever comes.
                return Answer(response.status, response.headers, b"")
            content, whole = await _read(response.content)
            progress.answered = True
            if not whole:
                response.close()
                return Answer(response.status, response.headers, content, whole=False)
            decoded = _decoded(content, response.headers.get("Content-Encoding", ""))
            if decoded is None:
                return Answer(response.status, response.headers, content, whole=False)
            return Answer(response.status, response.headers, decoded)


@asynccontextmanager
async def open_client(
    rules: AddressRules, *, keep_alive: bool, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    """A client that connects only where `rules` permit, and over https with `tls` or else the system's authorities.

    With `keep_alive` connections are used again within a second, else each request has its own. No redirect is
    followed, no proxy of the environment used, no cookie kept.
    """
    connector = _Connector(
        limit=0,
        use_dns_cache=False,
        happy_eyeballs_delay=None,
        ssl=tls or True,
        socket_factory=rule_bound_sockets(rules),
        **({"keepalive_timeout": KEPT_IDLE_SECONDS} if keep_alive else {"force_close": True}),
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
        auto_decompress=False,
    ) as session:
        yield Client(session)


class _Connector(aiohttp.TCPConnector):
    """Notes in an upload's progress when it connects; the client's own traces are called for every write as well."""

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ASYNC109
        progress = req.body.progress
        progress.connecting_at = time.monotonic()
        connection = await super()._create_connection(req, traces, timeout)
        progress.connected_at = time.monotonic()
        return connection


class _Body(aiohttp.Payload):
    """A request's parts as the HTTP client writes them."""

    _autoclose = True

    def __init__(self, request: Request, progress: Progress, patience: Patience) -> None:
        super().__init__(None, content_type=request.content_type)
        self._size = request.length
        self._parts = request.parts
        self.progress = progress
        self._patience = patience

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("an upload's body is streamed, and never held as text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        progress = self.progress
        progress.reused = progress.connecting_at is None
        if isinstance(writer, StreamWriter):
            progress.transport = writer.transport
        try:
            progress.first_byte_at = time.monotonic()
            self._patience.enter(Part.UPLOAD)
            for piece in _joined(self._parts):
                progress.begun = True
                await writer.write(piece)
                progress.body_bytes_sent += len(piece)
            await _flush(writer, progress.transport)
            progress.last_byte_at = time.monotonic()
            self._patience.enter(Part.ANSWER)
        except (OSError, aiohttp.ClientError):
            # That nothing can be written is the lesser news; why the connection is lost is told a turn later.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise
        except Exception as error:
            progress.defect = error
            raise


def _joined(parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The same bytes with small parts that follow each other in one."""
    small: list[bytes | memoryview] = []
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


async def _flush(writer: AbstractStreamWriter, transport: asyncio.Transport | None) -> None:
    """Wait until the system has taken every byte; none of them is in memory that will be written to."""
    if transport is not None:
        transport.set_write_buffer_limits(high=0)
    await writer.drain()
    if transport is not None:
        transport.set_write_buffer_limits()


async def _read(content: aiohttp.StreamReader) -> tuple[bytes, bool]:
    """An answer's body up to the limit, and whether that is all of it."""
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


def rule_bound_sockets(rules: AddressRules) -> Callable[[Any], socket.socket]:
    """What makes the sockets of a connector: it refuses, with AddressDeniedError, an address that is not permitted."""

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not rules.permits(address[0], address[1]):
            raise AddressDeniedError(errno.EACCES, f"connections to {address[0]} are not allowed")
        return socket.socket(family, kind, protocol)

    return make


def _translated(error: Exception, progress: Progress, patience: Patience) -> tuple[ErrorKind, str]:
    """The kind of an error, and a sentence with what is known of it."""
    failure = tls_failure(error)
    if not progress.begun:
        return (ErrorKind.TLS, failure) if failure is not None else _translated_connecting(error, patience)
    if failure is not None and not progress.answer_begun and not progress.reused and refuses_certificate(error):
        # It is said after the client's side of the handshake, when the first bytes are on their way; the target takes
        # none of them. After any other failure of TLS it may have taken the whole body.
        progress.forget()
        return ErrorKind.TLS, failure
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT, patience.verdict
    if isinstance(error, aiohttp.ClientResponseError):
        return ErrorKind.BAD_ANSWER, f"the answer is not HTTP: {error.message}"
    if progress.reused and not progress.answer_begun:
        return ErrorKind.STALE_CONNECTION, f"the kept connection was lost before an answer: {_said(error)}"
    return ErrorKind.RESET, f"the connection was lost before a complete answer: {_said(error)}"


def _translated_connecting(error: Exception, patience: Patience) -> tuple[ErrorKind, str]:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressDeniedError):
        return ErrorKind.NO_ADDRESS, cause.strerror or str(cause)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ErrorKind.DNS, f"the name was not resolved: {_said(cause)}"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
        return ErrorKind.TLS, f"TLS: the handshake failed ({_said(error)})"
    if isinstance(error, TimeoutError):
        return ErrorKind.CONNECT_TIMEOUT, patience.verdict
    if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
        return ErrorKind.CONNECT_TIMEOUT, f"no connection: {_why(cause)}"
    return ErrorKind.REFUSED, f"no connection: {_why(cause)}"


def _why(error: BaseException) -> str:
    """What the system says of a failed connect; asyncio puts a text of its own in its place, with a tuple in it."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _said(error)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
