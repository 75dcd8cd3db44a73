"""A request that fails in passing is sent again by itself, so that it does not void the turn that it belongs to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.aio.client import Configuration

from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import PODS, Api, ApiError, PatchType
from loadtest_operator.cluster.pods import Command, CommandAnswer, PodClient
from loadtest_operator.cluster.retries import MOST_TRIES, RETRYING_SECONDS, Retrying, retry_pause_seconds
from loadtest_operator.decide.actions import DeleteJob, Drain, HaltFleet, MarkFinished
from serving import serving
from support.archivers import a_follow_up
from support.operator_builders import NOW, a_new_observation, a_pod

POD = {"metadata": {"name": "a", "uid": "1"}}


class VirtualWaits:
    """A clock that only waiting moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    @property
    def retrying(self) -> Retrying:
        return Retrying(lambda: self.now, self.sleep, lambda: 0.5)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def an_api(handler: Handler, retrying: Retrying | None) -> AsyncIterator[Api]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with (
        serving(application) as port,
        Api(Configuration(host=f"http://127.0.0.1:{port}"), retrying=retrying) as api,
    ):
        yield api


def failing(failures: list[int], *, retry_after: str = "") -> tuple[Handler, list[str]]:
    """A server that answers first with these statuses, 0 being an abort, and notes the methods that it was asked by."""
    methods: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        methods.append(request.method)
        status = failures[len(methods) - 1] if len(methods) <= len(failures) else 200
        if status == 0 and request.transport is not None:
            request.transport.abort()
        headers = {"Retry-After": retry_after} if status != 200 and retry_after else {}
        body = POD if status == 200 else {"kind": "Status", "reason": "Injected", "message": "not now"}
        return web.json_response(body, status=status or 200, headers=headers)

    return handle, methods


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 0])
async def test_a_request_that_fails_in_passing_is_sent_again(status: int) -> None:
    waits = VirtualWaits()
    handler, methods = failing([status, status])
    async with an_api(handler, waits.retrying) as api:
        assert await api.get(PODS, "shop", "a") == POD
        await api.patch(PODS, "shop", "a/status", {}, PatchType.APPLY)

    assert methods == ["GET", "GET", "GET", "PATCH"]
    assert sum(waits.pauses) < 0.5


@pytest.mark.parametrize("status", [400, 401, 403, 409, 410, 422])
async def test_a_request_that_is_refused_is_sent_once(status: int) -> None:
    handler, methods = failing([status] * 9)
    async with an_api(handler, VirtualWaits().retrying) as api:
        with pytest.raises(ApiError, match="not now"):
            await api.get(PODS, "shop", "a")

    assert methods == ["GET"]


async def test_the_pause_that_the_server_asks_for_is_kept() -> None:
    waits = VirtualWaits()
    handler, _ = failing([429, 503], retry_after="2")
    async with an_api(handler, waits.retrying) as api:
        assert await api.get(PODS, "shop", "a") == POD

    assert waits.pauses == [2.0, 2.0]


async def test_a_server_that_asks_for_a_long_pause_is_left_alone_and_the_turn_hears_for_how_long() -> None:
    handler, methods = failing([429] * 9, retry_after="12")
    async with an_api(handler, VirtualWaits().retrying) as api:
        with pytest.raises(ApiError) as raised:
            await api.get(PODS, "shop", "a")

    assert methods == ["GET"]
    assert raised.value.retry_after_seconds == 12.0


async def test_an_outage_is_told_after_some_seconds() -> None:
    waits = VirtualWaits()
    handler, methods = failing([503] * 99)
    async with an_api(handler, waits.retrying) as api:
        with pytest.raises(ApiError, match="503"):
            await api.get(PODS, "shop", "a")

    assert len(methods) == MOST_TRIES
    assert waits.now <= RETRYING_SECONDS


async def test_an_election_sends_each_request_once() -> None:
    handler, methods = failing([503] * 9)
    async with an_api(handler, None) as api:
        with pytest.raises(ApiError):
            await api.get(PODS, "shop", "a")

    assert methods == ["GET"]


async def test_of_a_server_that_fails_three_of_ten_requests_every_answer_is_had_within_three_seconds() -> None:
    """Ten requests make a turn; sent once each, 97 of 100 turns would have failed."""
    chance = Random(7)

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(POD, status=200 if chance.random() >= 0.3 else chance.choice((429, 500, 503)))

    waits = VirtualWaits()
    longest = 0.0
    async with an_api(handle, waits.retrying) as api:
        for _ in range(50):
            began_at = waits.now
            for _ in range(10):
                assert await api.get(PODS, "shop", "a") == POD
            longest = max(longest, waits.now - began_at)

    assert longest < 3.0


@given(st.integers(1, MOST_TRIES + 2), st.floats(0, 30), st.floats(0, 30), st.floats(0, 1, exclude_max=True))
def test_a_pause_keeps_to_what_the_server_asks_for_and_to_the_time_that_is_left(
    failures: int, elapsed_seconds: float, retry_after_seconds: float, jitter: float
) -> None:
    pause = retry_pause_seconds(failures, elapsed_seconds, retry_after_seconds, jitter)

    if pause is not None:
        assert failures < MOST_TRIES
        assert pause >= max(0.025, retry_after_seconds)
        assert elapsed_seconds + pause <= RETRYING_SECONDS


class NotedCommands(PodClient):
    """Notes the commands instead of sending them."""

    def __init__(self) -> None:
        super().__init__(b"key", lambda: 0.0)
        self.verbs: list[str] = []

    async def send_commands(self, _uid: str, _run_id: str, commands: list[Command]) -> list[CommandAnswer]:
        self.verbs += [str(command.verb) for command in commands]
        return [CommandAnswer(True, "", 0.0) for _ in commands]


async def test_pods_are_stopped_and_halted_before_what_may_fail_at_the_api_server() -> None:
    handler, _ = failing([403] * 99)
    pods = NotedCommands()
    async with an_api(handler, None) as api:
        actor = Actor(api, pods, lambda: 0.0, lambda: NOW, asyncio.sleep, a_follow_up(api))
        with pytest.raises(ApiError):
            await actor.perform(
                a_new_observation(),
                (MarkFinished("1"), DeleteJob("heavy-1", "job-1"), HaltFleet((a_pod(0),), "over"), Drain((a_pod(1),))),
            )

    assert pods.verbs == ["halt", "stop"]
