"""An operator that was restarted asks every pod of a long run for all of its seconds at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import msgspec
import pytest
from aiohttp import web

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.protocol.commands import CONTROL_PORT
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.facts.observation import ObservedPod
from loadtest_operator.facts.resources import PodReading
from loadtest_operator.observe.listening import Listener
from loadtest_operator.observe.memory import Memory
from serving import serving
from support.loopback import free_address
from support.operator_builders import a_pod, a_snapshot

PODS = 8
ANSWER_BYTES = 16 * 1024 * 1024
BUFFERED_BYTES = 8 * 1024 * 1024
"""More than what sockets and streams take of an answer that nobody reads."""

SECONDS_FOR_ONE = 0.5


class LongAnswers:
    """Pods that answer with many megabytes, each over half a second; `most_at_once` were being read at one time."""

    def __init__(self) -> None:
        self.being_read: set[int] = set()
        self.most_at_once = 0

    async def answer(self, index: int, request: web.Request) -> web.StreamResponse:
        text = msgspec.json.encode(a_snapshot(index, PodState.RUNNING))
        response = web.StreamResponse(headers={"Content-Length": str(ANSWER_BYTES)})
        await response.prepare(request)
        blank, sent = b" " * 65_536, 0
        while sent < ANSWER_BYTES - len(text):
            piece = blank[: ANSWER_BYTES - len(text) - sent]
            await response.write(piece)
            sent += len(piece)
            if sent > BUFFERED_BYTES and index not in self.being_read:
                self.being_read.add(index)
                self.most_at_once = max(self.most_at_once, len(self.being_read))
                await asyncio.sleep(SECONDS_FOR_ONE)
        await response.write(text)
        self.being_read.discard(index)
        return response


@pytest.fixture
async def addresses() -> AsyncIterator[tuple[list[str], LongAnswers]]:
    answers = LongAnswers()
    ips = [free_address() for _ in range(PODS)]
    async with AsyncExitStack() as servers:
        for index, ip in enumerate(ips):
            application = web.Application()
            application.router.add_get("/snapshot", partial(answers.answer, index))
            await servers.enter_async_context(serving(application, host=ip, port=CONTROL_PORT))
        yield ips, answers


async def test_large_answers_are_read_one_after_the_other_and_no_pod_is_taken_for_silent(
    addresses: tuple[list[str], LongAnswers],
) -> None:
    ips, answers = addresses
    failures: list[None] = []
    fleet: list[ObservedPod] = [a_pod(index, ip=ip) for index, ip in enumerate(ips)]
    async with PodClient(b"k" * 32, time.monotonic) as client:
        listener = Listener(client, Memory(time.monotonic), lambda: failures.append(None))

        began_at = time.monotonic()
        pods = await listener.ask_fleet("u", "1", [PodReading(pod) for pod in fleet])

    assert time.monotonic() - began_at > PODS * SECONDS_FOR_ONE
    assert [pod.is_reachable for pod in pods] == [True] * PODS
    assert answers.most_at_once == 1
    assert failures == []
