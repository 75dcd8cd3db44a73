"""What a test may ask of the running node, over a socket in the run folder: one JSON object a line each way."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ControlRequest = dict[str, Any]
ControlAnswer = dict[str, Any]


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name of a file in an existing folder that a socket's address has room for, however long its path is.

    An address takes 107 bytes; a folder for temporary files may have more.
    """
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def serve(socket: Path, handle: Callable[[ControlRequest], Awaitable[ControlAnswer]]) -> None:
    """Answer requests at the socket until cancelled."""

    async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                writer.write(json.dumps(await handle(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    with short_path(socket) as path:
        server = await asyncio.start_unix_server(handle_connection, path)
        async with server:
            await server.serve_forever()
