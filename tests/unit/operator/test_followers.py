"""Following a Service where the API server or its answers are unlike anything a real one is asked for in a test."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_operator.api import SERVICES, Api, Change
from loadtest_operator.endpoints import ServiceHost
from loadtest_operator.followers import Followers, Run

Json = dict[str, Any]

HOST = ServiceHost("shop", "clients", 80, certain=True)
RUN = Run("shop", "heavy", "u", "1")
SERVICE: Json = {
    "metadata": {"uid": "service"},
    "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8000}]},
}


class Watched(Api):
    """An API server that holds one Service; it counts how often it is listed, and its watches never end."""

    def __init__(self) -> None:
        super().__init__(Configuration())
        self.listings = 0

    async def listed(self, kind: str, *_: Any, **__: Any) -> tuple[list[Json], str]:
        if kind != SERVICES:
            return [], "1"
        self.listings += 1
        return [SERVICE], "1"

    async def watch(self, *_: Any, **__: Any) -> AsyncGenerator[Change, None]:
        await asyncio.Event().wait()
        yield Change(False, {})


class FirstUnreadable(Watched):
    """The first list of Services is no list."""

    async def listed(self, kind: str, *_: Any, **__: Any) -> tuple[list[Json], str]:
        found, version = await super().listed(kind)
        return ([{}] if self.listings == 1 and found else found), version


async def test_a_follower_that_ended_with_a_defect_is_followed_anew_by_the_next_turn() -> None:
    async with FirstUnreadable() as api, Followers(api, lambda: 100.0, lambda: 0.5) as followers:
        assert followers.sight(RUN, HOST) is None
        async with asyncio.timeout(5):
            while followers.sight(RUN, HOST) is None:  # noqa: ASYNC110 - each is a turn
                await asyncio.sleep(0)

    assert api.listings == 2
