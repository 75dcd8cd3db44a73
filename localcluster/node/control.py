"""What a test may ask of the running node, over a socket in the run folder: one JSON object a line each way."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
Answer = dict[str, Any]


async def serve(socket: Path, handle: Callable[[Request], Awaitable[Answer]]) -> None:
    """Answer requests at the socket until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                writer.write(json.dumps(await handle(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_unix_server(connected, socket)
    async with server:
        await server.serve_forever()
