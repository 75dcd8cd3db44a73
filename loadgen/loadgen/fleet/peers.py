"""Halting the other pods after a violation in this one."""

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec

from loadtest_model.protocol.commands import Halt

PEER_TIMEOUT_SECONDS: Final = 1.0


async def halt_peers(peers: Sequence[str], token: str, halt: Halt) -> tuple[str, ...]:
    """Tell all peers (`host:port`) at once; gives those that did not confirm within a second."""
    if not peers:
        return ()
    body = msgspec.json.encode(halt)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=PEER_TIMEOUT_SECONDS)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)

    async def send_halt(session: aiohttp.ClientSession, peer: str) -> bool:
        try:
            async with session.post(f"http://{peer}/halt", data=body, headers=headers) as response:
                return response.status == 200
        except (TimeoutError, aiohttp.ClientError, OSError):
            return False

    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
        asyncio.TaskGroup() as group,
    ):
        tasks = {peer: group.create_task(send_halt(session, peer)) for peer in peers}
    return tuple(peer for peer, task in tasks.items() if not task.result())
