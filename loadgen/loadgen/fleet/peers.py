"""Halting the other pods after a violation in this one."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from loadtest_control.client import NO_ANSWER, ControlClient
from loadtest_control.requests import post_request
from loadtest_model.protocol.commands import Halt, Verb, control_address

PEER_TIMEOUT_SECONDS: Final = 1.0
_LARGEST_ANSWER_BYTES: Final = 64 * 1024


def other_peers(peers: Sequence[str], own_ip: str) -> tuple[str, ...]:
    """The peers without the pod that has this address: every pod is told the whole fleet."""
    own_address = control_address(own_ip)
    return tuple(peer for peer in peers if peer != own_address)


async def halt_peers(peers: Sequence[str], token: str, halt: Halt) -> tuple[str, ...]:
    """Tell all peers (`host:port`) at once; gives those that did not confirm within a second."""
    if not peers:
        return ()
    body = msgspec.json.encode(halt)

    async def send_halt(client: ControlClient, peer: str) -> bool:
        request = post_request(peer, f"/{Verb.HALT}", token, body)
        try:
            async with asyncio.timeout(PEER_TIMEOUT_SECONDS), client.exchange(peer, lambda: request) as answer:
                return answer.status == 200 and await answer.read(_LARGEST_ANSWER_BYTES) is not None
        except NO_ANSWER:
            return False

    async with ControlClient() as client, asyncio.TaskGroup() as group:
        tasks = {peer: group.create_task(send_halt(client, peer)) for peer in peers}
    return tuple(peer for peer, task in tasks.items() if not task.result())
