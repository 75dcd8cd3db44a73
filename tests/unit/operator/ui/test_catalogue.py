"""The list of all tests: read once and then followed, only while somebody looks, and honest about its age."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import Api, ApiError, Change
from loadtest_operator.ui import catalogue as catalogue_module
from loadtest_operator.ui.catalogue import Catalogue
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]
SOON_SECONDS = 10


def a_resource(name: str, namespace: str = "shop", **status: Any) -> Json:
    metadata = {
        "namespace": namespace,
        "name": name,
        "uid": f"{namespace}-{name}",
        "resourceVersion": "8",
        "creationTimestamp": "2026-03-01T10:00:00Z",
    }
    return {"metadata": metadata, "spec": {}, "status": status}


class WatchedApi(Api):
    """Tests that are listed, and changes of them that are told to who watches."""

    def __init__(self, *resources: Json) -> None:
        super().__init__(Configuration())
        self.resources = list(resources)
        self.lists = 0
        self.watches = 0
        self.problem: ApiError | None = None
        self.changes: asyncio.Queue[Change | None] = asyncio.Queue()

    async def list_with_version(  # type: ignore[override]
        self, _kind: str, namespace: str | None = None, *_: Any, **__: Any
    ) -> tuple[list[Json], str]:
        self.lists += 1
        if self.problem is not None:
            raise self.problem
        return [each for each in self.resources if namespace in (None, each["metadata"]["namespace"])], "7"

    async def watch(self, *_: Any, **__: Any) -> AsyncGenerator[Change, None]:
        self.watches += 1
        while (change := await self.changes.get()) is not None:
            yield change


async def names_in(catalogue: Catalogue) -> set[str]:
    return {line.name for line in await catalogue.lines()}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while not await condition():  # noqa: ASYNC110 (the list tells nobody of a change)
            await asyncio.sleep(0.001)


async def until_names(catalogue: Catalogue, names: set[str]) -> None:
    async def are_there() -> bool:
        return await names_in(catalogue) == names

    await until(are_there)


async def until_problems(catalogue: Catalogue, *, are_there: bool) -> None:
    async def have_changed() -> bool:
        return bool(catalogue.problems) is are_there

    await until(have_changed)


async def test_tests_are_listed_once_and_then_followed() -> None:
    api = WatchedApi(a_resource("one"), a_resource("two"))
    catalogue = Catalogue(api, (), asyncio.get_running_loop().time, lambda: 0.0)
    try:
        assert await names_in(catalogue) == {"one", "two"}
        api.changes.put_nowait(Change(False, a_resource("three", phase="Running")))
        api.changes.put_nowait(Change(True, a_resource("one")))
        await until_names(catalogue, {"two", "three"})
        assert api.lists == 1
    finally:
        await catalogue.close()


async def test_each_namespace_is_listed_where_there_are_some() -> None:
    api = WatchedApi(a_resource("one"), a_resource("two", "other"), a_resource("three", "hidden"))
    catalogue = Catalogue(api, ("shop", "other"), asyncio.get_running_loop().time, lambda: 0.0)
    try:
        assert await names_in(catalogue) == {"one", "two"}
    finally:
        await catalogue.close()


async def test_a_list_that_ended_or_was_cut_off_is_read_again() -> None:
    api = WatchedApi(a_resource("one"))
    catalogue = Catalogue(api, (), asyncio.get_running_loop().time, lambda: 0.0)
    try:
        await names_in(catalogue)
        api.resources = [a_resource("two")]
        api.changes.put_nowait(None)
        await until_names(catalogue, {"two"})
        assert catalogue.problems == ()
    finally:
        await catalogue.close()


async def test_while_the_api_server_does_not_list_them_the_last_ones_stay_with_a_notice() -> None:
    api = WatchedApi(a_resource("one"))
    catalogue = Catalogue(api, (), asyncio.get_running_loop().time, lambda: 0.0)
    try:
        await names_in(catalogue)
        api.problem = ApiError(0, "", "connection refused")
        api.changes.put_nowait(None)
        await until_problems(catalogue, are_there=True)
        assert await names_in(catalogue) == {"one"}
        assert "connection refused" in catalogue.problems[0]
        api.problem = None
        await until_problems(catalogue, are_there=False)
    finally:
        await catalogue.close()


def test_where_watches_end_at_once_the_api_server_is_left_in_peace() -> None:
    api = WatchedApi(a_resource("one"))

    async def look_for_a_minute() -> None:
        catalogue = Catalogue(api, (), asyncio.get_running_loop().time, lambda: 0.0)
        try:
            await names_in(catalogue)
            for _ in range(50):
                api.changes.put_nowait(None)
                await asyncio.sleep(1)
        finally:
            await catalogue.close()

    run_in_virtual_time(look_for_a_minute())

    assert 2 <= api.lists <= 15


async def test_nobody_waits_for_a_list_that_is_refused() -> None:
    api = WatchedApi()
    api.problem = ApiError(403, "Forbidden", "loadtests is forbidden")
    catalogue = Catalogue(api, (), asyncio.get_running_loop().time, lambda: 0.0)
    try:
        async with asyncio.timeout(SOON_SECONDS):
            assert await names_in(catalogue) == set()
        assert "forbidden" in catalogue.problems[0]
    finally:
        await catalogue.close()


async def test_nothing_is_followed_any_more_when_nobody_has_looked_for_a_while() -> None:
    now = 0.0
    api = WatchedApi(a_resource("one"))
    catalogue = Catalogue(api, (), lambda: now, lambda: 0.0)
    try:
        await names_in(catalogue)
        now = catalogue_module.IDLE_SECONDS + 1
        api.changes.put_nowait(None)
        async with asyncio.timeout(SOON_SECONDS):
            await asyncio.gather(*catalogue._tasks.values())
        assert api.lists == 1

        assert await names_in(catalogue) == {"one"}
        assert api.lists == 2
    finally:
        await catalogue.close()
