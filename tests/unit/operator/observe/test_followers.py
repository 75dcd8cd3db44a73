"""Following a Service where the API server or its answers are unlike anything a real one is asked for in a test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import SERVICES, Api, Change
from loadtest_operator.facts.endpoints import ServiceHost
from loadtest_operator.observe.followers import LISTING_SECONDS, Follower, Followers, RunKey, Sight, SightHandler
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]

HOST = ServiceHost("shop", "clients", 80, is_certain=True)
RUN = RunKey("shop", "heavy", "u", "1")
SERVICE: Json = {
    "metadata": {"uid": "service", "resourceVersion": "2"},
    "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8000}]},
}


class Watched(Api):
    """An API server that holds one Service; it counts how often it is listed, and its watches never end."""

    def __init__(self) -> None:
        super().__init__(Configuration())
        self.listings = 0

    async def list_with_version(self, kind: str, *_: Any, **__: Any) -> tuple[list[Json], str]:
        if kind != SERVICES:
            return [], "1"
        self.listings += 1
        return [SERVICE], "1"

    async def watch(self, *_: Any, **__: Any) -> AsyncGenerator[Change, None]:
        await asyncio.Event().wait()
        yield Change(False, {})


class WithoutWatches(Watched):
    """Every watch ends at once, and in order."""

    async def list_with_version(self, kind: str, *_: Any, **__: Any) -> tuple[list[Json], str]:
        assert self.listings < 100
        return await super().list_with_version(kind)

    async def watch(self, *_: Any, **__: Any) -> AsyncGenerator[Change, None]:
        for change in ():
            yield change


class Changing(Watched):
    """The Service is changed as soon as it is watched, a few times in a row."""

    async def watch(self, kind: str, *args: Any, **named: Any) -> AsyncGenerator[Change, None]:
        if kind == SERVICES and self.listings < 4:
            yield Change(False, SERVICE)
        async for change in super().watch():
            yield change


class Removed(Watched):
    """The Service is removed a moment after it was first listed."""

    async def watch(self, kind: str, *args: Any, **named: Any) -> AsyncGenerator[Change, None]:
        if kind == SERVICES:
            await asyncio.sleep(0.1)
            yield Change(True, SERVICE)
        async for change in super().watch():
            yield change


class FirstUnreadable(Watched):
    """The first list of Services is no list."""

    async def list_with_version(self, kind: str, *_: Any, **__: Any) -> tuple[list[Json], str]:
        found, version = await super().list_with_version(kind)
        return ([{}] if self.listings == 1 and found else found), version


async def ignore(_: Sight) -> None:
    return


async def follow(api: Api, seconds: float, hear: SightHandler = ignore) -> Follower:
    """Follow for so long."""
    follower = Follower(api, HOST, asyncio.get_running_loop().time, lambda: 0.5)
    async with api:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await follower.run(hear)
    return follower


def test_a_change_is_told_though_the_one_before_is_still_being_heard() -> None:
    heard: list[Sight] = []

    async def hear(sight: Sight) -> None:
        heard.append(sight)
        await asyncio.Event().wait()

    run_in_virtual_time(follow(Removed(), 1, hear))

    assert [sight.endpoints.problem for sight in heard[:2]] == ["TargetHasNoEndpoints", "ServiceNotFound"]


def test_where_watches_end_at_once_the_api_server_is_left_in_peace() -> None:
    api = WithoutWatches()

    follower = run_in_virtual_time(follow(api, 60))

    assert 2 <= api.listings <= 12
    assert follower.sight is None


def test_everything_is_listed_anew_though_no_watch_ever_ends() -> None:
    api = Watched()

    run_in_virtual_time(follow(api, 2 * LISTING_SECONDS + 5))

    assert api.listings == 3


def test_a_service_that_is_changed_is_listed_anew_without_a_rest() -> None:
    api = Changing()

    follower = run_in_virtual_time(follow(api, 0.1))

    assert api.listings == 4
    assert follower.sight is not None


async def test_a_follower_that_ended_with_a_defect_is_followed_anew_by_the_next_turn() -> None:
    async with FirstUnreadable() as api, Followers(api, lambda: 100.0, lambda: 0.5) as followers:
        assert followers.follow(RUN, HOST) is None
        async with asyncio.timeout(5):
            while followers.follow(RUN, HOST) is None:  # noqa: ASYNC110 - each is a turn
                await asyncio.sleep(0)

    assert api.listings == 2
