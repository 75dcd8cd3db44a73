"""All tests as the API server has them, followed while somebody looks at the list of them."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from loadtest_model.pages.live.overview import ListedTest
from loadtest_operator.cluster.api import LOADTESTS, Api, ApiError, Change
from loadtest_operator.cluster.following import Following, Selection
from loadtest_operator.ui.shown_test import ShownTest

IDLE_SECONDS: Final = 60.0
"""How long tests are followed after somebody looked last."""
WATCH_SECONDS: Final = 300


class Catalogue:
    """The lines of all tests in these namespaces, or in all. `clock` is monotonic, in seconds; `random` gives numbers
    in [0, 1)."""

    def __init__(
        self, api: Api, namespaces: Sequence[str], clock: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._api = api
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._clock = clock
        self._random = random
        self._lines: dict[str | None, dict[str, ListedTest]] = {}
        self._problems: dict[str | None, str] = {}
        self._asked_at = 0.0
        self._tasks: dict[str | None, asyncio.Task[None]] = {}
        self._progress = asyncio.Event()

    async def lines(self) -> list[ListedTest]:
        """All tests as they are now."""
        self._asked_at = self._clock()
        for namespace in self._namespaces:
            task = self._tasks.get(namespace)
            if task is None or task.done():
                self._tasks[namespace] = asyncio.create_task(self._follow(namespace))
        while any(namespace not in self._lines for namespace in self._namespaces):
            await self._progress.wait()
        return [line for lines in self._lines.values() for line in lines.values()]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why what is shown may be old."""
        return tuple(dict.fromkeys(self._problems.values()))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, namespace: str | None) -> None:
        following = Following(self._api, "the list of LoadTests", self._clock, self._random)
        selection = Selection(LOADTESTS, namespace)

        async def follow_once() -> None:
            version = await self._list(following, selection)
            await following.watch(selection, version, WATCH_SECONDS, partial(self._take, self._lines[namespace]))

        # A watch that is cut off is nothing to tell: the list that follows says whether anything is wrong.
        await following.run(follow_once, lambda _: None, lambda: self._is_wanted)
        self._lines.pop(namespace, None)

    @property
    def _is_wanted(self) -> bool:
        return self._clock() - self._asked_at < IDLE_SECONDS

    async def _list(self, following: Following, selection: Selection) -> str:
        namespace = selection.namespace
        try:
            resources, version = await following.list(selection)
        except ApiError as error:
            self._problems[namespace] = f"the list may be old, because the API server does not give it: {error.message}"
            self._set_lines(namespace, self._lines.get(namespace, {}))
            raise
        self._problems.pop(namespace, None)
        self._set_lines(
            namespace, {resource["metadata"]["uid"]: ShownTest.of(resource).line() for resource in resources}
        )
        return version

    def _take(self, lines: dict[str, ListedTest], change: Change) -> bool:
        if change.is_removed:
            lines.pop(change.object["metadata"]["uid"], None)
        else:
            lines[change.object["metadata"]["uid"]] = ShownTest.of(change.object).line()
        return not self._is_wanted

    def _set_lines(self, namespace: str | None, lines: dict[str, ListedTest]) -> None:
        self._lines[namespace] = lines
        self._progress.set()
        self._progress = asyncio.Event()
