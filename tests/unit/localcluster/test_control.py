"""A run folder may lie anywhere, also where its path is longer than a socket's address may be."""

import asyncio
import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from localcluster.node.control import serve, short_path

LONGEST_ADDRESS_BYTES = 107


async def test_a_socket_in_a_folder_with_a_long_path_is_served_and_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * LONGEST_ADDRESS_BYTES)
    folder.mkdir()

    async def handle(request: dict[str, Any]) -> dict[str, Any]:
        return {"answered": request["verb"]}

    serving = asyncio.create_task(serve(folder / "node.sock", handle))
    try:
        async with asyncio.timeout(10):
            while not (folder / "node.sock").exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0)
            answer = await asyncio.to_thread(ask, folder / "node.sock")
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    assert answer == {"answered": "leave"}


def ask(path: Path) -> Any:
    with socket.socket(socket.AF_UNIX) as connection, short_path(path) as name:
        connection.settimeout(10)
        connection.connect(name)
        connection.sendall(b'{"verb": "leave"}\n')
        with connection.makefile("rb") as answers:
            return json.loads(answers.readline())
