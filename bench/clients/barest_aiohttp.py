"""`barest_aiohttp.py URL BODY VIRTUAL_USERS`: aiohttp's own client with one prepared form, and nothing beside it.

Nothing is composed, checked or measured, so this is what a client that is written with aiohttp can reach.
"""

import asyncio
import sys
from pathlib import Path

import aiohttp

from loadgen.cli import event_loop


async def upload_for_ever(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    boundary = body[2 : body.index(b"\r\n")].decode()
    headers = {"X-Load-Test": "true", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    while True:
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()


async def load(url: str, body: bytes, virtual_users: int) -> None:
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as users:
        for _ in range(virtual_users):
            users.create_task(upload_for_ever(session, url, body))


def main() -> None:
    url, body, virtual_users = sys.argv[1:]
    event_loop.run(load(url, Path(body).read_bytes(), int(virtual_users)))


if __name__ == "__main__":
    main()
