"""The client: a request is its bytes, made when it is sent, and an answer is its status and its content."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.http import HttpProcessingError

from loadtest_control.connections import Connection, Connections

NO_ANSWER: Final = (TimeoutError, aiohttp.ClientError, OSError)
"""What a request raises that gets no answer, or not all of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose head has come. `content_length` is None if the head does not tell it."""

    status: int
    content_length: int | None
    content: aiohttp.StreamReader

    async def read(self, most_bytes: int) -> bytes | bytearray | None:
        """All of the content; None if it is longer."""
        if self.content.is_eof():
            body = self.content.read_nowait()
            return body if len(body) <= most_bytes else None
        pieces = bytearray()
        async for piece in self.content.iter_any():
            pieces += piece
            if len(pieces) > most_bytes:
                return None
        return pieces


class ControlClient:
    """Asks control servers, without redirects, cookies and proxies. Time-outs are the caller's."""

    def __init__(self) -> None:
        self._connections: Connections | None = None

    async def __aenter__(self) -> Self:
        self._connections = Connections()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open_connections.close()

    @asynccontextmanager
    async def exchange(self, address: str, make_request: Callable[[], bytes]) -> AsyncIterator[Answer]:
        """The answer of the server at `host:port`. `make_request` is called when there is a connection to send it on.

        If a kept connection turns out to be closed before anything is answered on it, the request is made and sent once
        more on a new one. Raises `NO_ANSWER`.
        """
        connections = self._open_connections
        connection = connections.take_idle(address)
        answer: Answer | None = None
        try:
            if connection is not None:
                answer = await _ask_again(connection, make_request)
            if answer is None:
                if connection is not None:
                    connection.abort()
                connection = None
                connection = await connections.open(address)
                answer = await _ask(connection, make_request)
            yield answer
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError(f"no HTTP: {error}") from error
        finally:
            if connection is not None:
                if answer is not None and answer.content.is_eof():
                    connections.give_back(address, connection)
                else:
                    # The rest of the answer would be taken for the next one.
                    connection.abort()

    @property
    def _open_connections(self) -> Connections:
        if self._connections is None:
            raise RuntimeError("the client is used outside of its `async with`")
        return self._connections


async def _ask_again(connection: Connection, make_request: Callable[[], bytes]) -> Answer | None:
    """The answer on a connection that was kept; None if the server had closed it."""
    try:
        return await _ask(connection, make_request)
    except (aiohttp.ClientError, OSError):
        if connection.is_answering:
            raise
        return None


async def _ask(connection: Connection, make_request: Callable[[], bytes]) -> Answer:
    request = make_request()
    if connection.transport is None:
        raise aiohttp.ServerDisconnectedError
    connection.transport.write(request)
    message, content = await connection.read()
    while message.code < 200:
        # An interim answer (RFC 9110, section 15.2); the one that counts is still to come.
        message, content = await connection.read()
    length = message.headers.get("Content-Length")
    return Answer(message.code, int(length) if length is not None else None, content)
