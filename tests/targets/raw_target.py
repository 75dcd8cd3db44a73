"""A TCP server for tests that does with a connection what no HTTP server would."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset instead of an orderly end."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """A request's head and its whole body by Content-Length; gives the head."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def running_raw_target(conversation: Conversation, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """A server that holds this conversation on every connection; gives its address as `ip:port`."""
    ongoing: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ongoing.add(task)
        try:
            await conversation(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            ongoing.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(talk, host, 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in list(ongoing):
            task.cancel()
        await asyncio.gather(*ongoing, return_exceptions=True)
