"""Following objects where the API server refuses, forgets versions, or keeps no watches."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import PODS, Api, ApiError, Change
from loadtest_operator.cluster.following import Following, Selection
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]

SELECTION = Selection(PODS, "shop", "app=clients")
WATCH_SECONDS = 120


def an_object(version: int) -> Json:
    return {"metadata": {"uid": "u", "resourceVersion": str(version)}}


class Server(Api):
    """Each watch says these words and lasts so long; the last way of watching is that of all further watches."""

    def __init__(self, *watches: tuple[float, tuple[Change | ApiError, ...]]) -> None:
        super().__init__(Configuration())
        self._watches = list(watches)
        self.listed_at: list[float] = []
        self.watched_from: list[str] = []
        self.refusal: ApiError | None = None

    async def list_with_version(self, *_: Any, **__: Any) -> tuple[list[Json], str]:
        self.listed_at.append(asyncio.get_running_loop().time())
        if self.refusal is not None:
            raise self.refusal
        return [], "10"

    async def watch(
        self, _kind: str, _namespace: str | None, version: str, *_: Any, **__: Any
    ) -> AsyncGenerator[Change, None]:
        self.watched_from.append(version)
        seconds, words = self._watches.pop(0) if len(self._watches) > 1 else self._watches[0]
        await asyncio.sleep(seconds)
        for word in words:
            if isinstance(word, ApiError):
                raise word
            yield word

    @property
    def pauses(self) -> list[float]:
        """The seconds between one list and the next."""
        return [round(after - before, 3) for before, after in zip(self.listed_at, self.listed_at[1:], strict=False)]


def follow(server: Server, seconds: float) -> list[ApiError]:
    """Follow for so long; gives the failures."""
    failures: list[ApiError] = []

    async def run() -> None:
        following = Following(server, "pods", asyncio.get_running_loop().time, lambda: 1.0)

        async def follow_once() -> None:
            _, version = await following.list(SELECTION)
            while True:
                version = await following.watch(SELECTION, version, WATCH_SECONDS, lambda _: None)

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await following.run(follow_once, failures.append)

    run_in_virtual_time(run())
    return failures


def test_pauses_grow_with_failures_in_a_row_up_to_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    server = Server((0, ()))
    server.refusal = ApiError(500, "InternalError", "no")

    with caplog.at_level(logging.WARNING):
        follow(server, 60)

    assert server.pauses == [0.5, 1, 2, 4, 8, 15, 15]
    assert [record.message for record in caplog.records] == ["pods: not followed: 500 InternalError: no"]


def test_a_watch_that_ends_as_soon_as_it_has_begun_is_a_failure() -> None:
    server = Server((0.5, ()))

    failures = follow(server, 10)

    assert {failure.reason for failure in failures} == {"WatchEnded"}
    assert server.pauses == [1, 1.5, 2.5, 4.5]


def test_a_watch_that_is_cut_off_after_it_lasted_is_begun_again_soon_each_time() -> None:
    server = Server((20, (ApiError(0, "Unreachable", "reset"),)))

    follow(server, 100)

    assert server.pauses == [20.5] * 4


def test_a_version_that_is_too_old_by_now_is_followed_by_a_list() -> None:
    server = Server((5, (Change(False, an_object(11)), ApiError(410, "Expired", "too old"))), (WATCH_SECONDS, ()))

    follow(server, 60)

    assert len(server.listed_at) == 2
    assert server.watched_from == ["10", "10"]


def test_a_watch_goes_on_from_the_version_of_a_bookmark_which_nobody_takes_for_an_object() -> None:
    words = (Change(False, an_object(12)), Change(False, {"metadata": {"resourceVersion": "15"}}, is_bookmark=True))
    taken: list[Change] = []
    words_noted: list[None] = []

    async def watch() -> str:
        following = Following(Server((2, words)), "pods", asyncio.get_running_loop().time, lambda: 1.0)
        return await following.watch(SELECTION, "10", WATCH_SECONDS, taken.append, lambda: words_noted.append(None))

    assert run_in_virtual_time(watch()) == "15"
    assert taken == [words[0]]
    assert len(words_noted) == 2


def test_a_watch_that_is_left_at_once_by_who_takes_its_changes_has_not_failed() -> None:
    server = Server((0, (Change(False, an_object(12)), Change(False, an_object(13)))))

    async def watch() -> str:
        following = Following(server, "pods", asyncio.get_running_loop().time, lambda: 1.0)
        return await following.watch(SELECTION, "10", WATCH_SECONDS, lambda _: True)

    assert run_in_virtual_time(watch()) == "12"


def test_what_nobody_wants_any_more_is_followed_no_more() -> None:
    server = Server((0, ()))

    async def run() -> None:
        following = Following(server, "pods", asyncio.get_running_loop().time, lambda: 1.0)

        async def follow_once() -> None:
            await following.list(SELECTION)

        await following.run(follow_once, lambda _: None, lambda: len(server.listed_at) < 3)

    run_in_virtual_time(run())

    assert len(server.listed_at) == 3
