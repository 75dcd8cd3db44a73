"""An uploader whose every wait lasts as long as a test says, on a clock that passes by waiting alone.

Uploader, route, address book and client are the real ones. What they wait for is not: the encoder, the token, the
connection, the turn to send, the system that takes the bytes, and the target's answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, cast

from loadgen.auth.credentials import Credentials
from loadgen.formats import FileBody, FileFormat
from loadgen.http.connections import Connection, Connections
from loadgen.http.endpoints import Endpoint
from loadgen.http.stalls import Stalls
from loadgen.http.transport import Client
from loadgen.records import Batch, Composer
from loadgen.upload.uploading import Uploader
from loadtest_model.plan import Plan

PIECE_BYTES: Final = 1 << 16
"""From this size on a body waits for its turn, and each of its pieces is written by itself."""


@dataclass(frozen=True)
class Delays:
    """Seconds that the n-th upload waits at each place: the n-th of the numbers, again and again.

    `refusals` says which connects are refused after their wait.
    """

    encoder: tuple[float, ...] = (0.0,)
    token: tuple[float, ...] = (0.0,)
    connect: tuple[float, ...] = (0.001,)
    turn: tuple[float, ...] = (0.0,)
    taking: tuple[float, ...] = (0.0,)
    answer: tuple[float, ...] = (0.5,)
    refusals: tuple[bool, ...] = (False,)


@dataclass
class Wire:
    """What was sent: the instants of first bytes, and the rows of each upload that had one."""

    delays: Delays
    first_bytes_at: list[float] = field(default_factory=list)
    visits: dict[str, int] = field(default_factory=dict)

    def next_of(self, place: str) -> Any:
        """The next of the numbers of a place."""
        number = self.visits.get(place, 0)
        self.visits[place] = number + 1
        numbers = getattr(self.delays, place)
        return numbers[number % len(numbers)]

    async def wait(self, place: str) -> None:
        await asyncio.sleep(self.next_of(place))


class _Turn:
    """The turn to send, which takes a while to come."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def __aenter__(self) -> None:
        await self._wire.wait("turn")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _Transport(asyncio.Transport):
    """Takes what is written at one time after a while, and answers once it has all pieces."""

    def __init__(self, wire: Wire, connection: Connection, rows: int, pieces: int) -> None:
        super().__init__()
        self._wire = wire
        self._connection = connection
        self._rows = rows
        self._left = pieces
        self._closed = False
        self._begun = False

    def write(self, data: Any) -> None:
        loop = asyncio.get_running_loop()
        if not self._begun:
            self._begun = True
            self._wire.first_bytes_at.append(loop.time())
        self._left -= 1
        if not self._connection.writing_paused:
            self._connection.pause_writing()
            loop.call_later(self._wire.next_of("taking"), self._take)

    def _take(self) -> None:
        if not self._closed:
            self._connection.resume_writing()
            if not self._left:
                asyncio.get_running_loop().call_later(self._wire.next_of("answer"), self._answer)

    def _answer(self) -> None:
        if not self._closed:
            body = json.dumps({"success": True, "load_test_mode": True, "processed_count": self._rows}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._connection.data_received(head.encode() + body)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)


class _Connections:
    """Opens a connection after a while, or refuses it."""

    keep_alive = False

    def __init__(self, wire: Wire, rows: int) -> None:
        self._wire = wire
        self._rows = rows

    def take_idle(self, _endpoint: Endpoint, _server_hostname: str | None) -> Connection | None:
        return None

    async def open(self, _endpoint: Endpoint, _server_hostname: str | None) -> Connection:
        await self._wire.wait("connect")
        if self._wire.next_of("refusals"):
            raise ConnectionRefusedError(111, "refused")
        connection = Connection(asyncio.get_running_loop(), uses_tls=False)
        # The head is joined with the form's part before the file, the file is one piece, and its end another.
        connection.connection_made(_Transport(self._wire, connection, self._rows, pieces=3))
        return connection

    def give_back(self, connection: Connection, _endpoint: Endpoint, _server_hostname: str | None) -> None:
        connection.close()


@dataclass(frozen=True)
class _Batch:
    rows: int

    @property
    def valid_rows(self) -> int:
        return self.rows

    @property
    def first_client_id(self) -> str:
        return "c1"

    @property
    def look_up_key(self) -> str | None:
        return None

    @property
    def first_row_name(self) -> str:
        return "client_id c1"


class _Composer:
    has_rendered = False

    def compose(self, rows: int) -> Batch:
        return cast("Batch", _Batch(rows))


class _File:
    content_length = PIECE_BYTES

    def chunks(self) -> Iterator[bytes]:
        yield bytes(PIECE_BYTES)


class _Format:
    """A format whose encoder takes a while, as a workbook's does."""

    name = "xlsx"
    extension = ".xlsx"
    content_type = "application/octet-stream"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def encode(self, _batch: Batch) -> FileBody:
        await self._wire.wait("encoder")
        return _File()


class _Tokens:
    expires_at = None

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def authorization(self) -> str:
        await self._wire.wait("token")
        return "Bearer token"

    async def final_expiry(self) -> float | None:
        return None

    def note_refusal(self, authorization: str) -> None:
        pass

    async def keep_fresh(self) -> None:
        await asyncio.Event().wait()


class DelayedUploader(Uploader):
    """The uploader of a plan over such a wire."""

    def __init__(self, plan: Plan, wire: Wire, pod_index: int = 0) -> None:
        super().__init__(
            plan,
            pod_index,
            cast("Composer", _Composer()),
            cast("FileFormat", _Format(wire)),
            lambda: "nonce",
            Credentials(_Tokens(wire), {}),
        )
        self._wire = wire

    @asynccontextmanager
    async def open_client(self, rows: int) -> AsyncIterator[Client]:
        client = Client(cast("Connections", _Connections(self._wire, rows)), Stalls())
        client._turn = cast("asyncio.Lock", _Turn(self._wire))
        yield client
