"""Following objects of the API server: list them, watch what changes, and begin again when that breaks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from loadtest_operator.cluster.api import Api, ApiError, Change
from loadtest_operator.policy.backoff import backoff_seconds

_LOG: Final = logging.getLogger(__name__)

LEAST_SECONDS: Final = 1.0
"""A server that ends a watch sooner than this does not keep watches: asking again at once would only load it."""
_FAILURES_WARNED_OF: Final = 3
"""Which failure in a row is logged as a warning. One alone is no news: a version is too old by now, a server ends."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """The objects of a kind, in one namespace or in all, that selectors of labels and of fields choose."""

    kind: str
    namespace: str | None = None
    labels: str = ""
    fields: str = ""


class Following:
    """Follows what `name` says, until cancelled.

    `clock` is monotonic, in seconds; `random` gives numbers in [0, 1).
    """

    def __init__(self, api: Api, name: str, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._api = api
        self._name = name
        self._clock = clock
        self._random = random
        self._failures = 0

    async def run(
        self,
        follow: Callable[[], Awaitable[None]],
        report_failure: Callable[[ApiError], None],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Call `follow`, which lists and watches, again and again while it is wanted, after a pause if it failed.

        The pause grows with failures in a row, between which no watch lasted. `report_failure` hears of each one before
        the pause. What it raises ends the following.
        """
        while is_wanted():
            try:
                await follow()
            except ApiError as error:
                report_failure(error)
                pause_seconds = backoff_seconds(self._failures, self._random())
                self._failures += 1
                level = logging.WARNING if self._failures == _FAILURES_WARNED_OF else logging.INFO
                _LOG.log(level, "%s: not followed: %s", self._name, error)
                await asyncio.sleep(pause_seconds)

    async def list(self, selection: Selection) -> tuple[list[Json], str]:
        """The objects as they are, and the version that a watch goes on from.

        Raises ApiError.
        """
        return await self._api.list_with_version(
            selection.kind, selection.namespace, selection.labels, fields=selection.fields
        )

    async def watch(
        self,
        selection: Selection,
        version: str,
        seconds: int,
        take: Callable[[Change], bool | None],
        note_word: Callable[[], None] = lambda: None,
    ) -> str:
        """Have `take` take each change after a version, for so many seconds or until it returns True.

        `note_word` is called for each event of the watch, also for a bookmark, with which nothing has changed.
        Returns the version that the next watch goes on from. Raises ApiError, also if the version is too old by now,
        and if the watch ends by itself as soon as it has begun.
        """
        began_at = self._clock()
        try:
            changes = self._api.watch(
                selection.kind, selection.namespace, version, seconds, selection.labels, fields=selection.fields
            )
            async with aclosing(changes):
                async for change in changes:
                    note_word()
                    version = change.object["metadata"]["resourceVersion"]
                    if not change.is_bookmark and take(change):
                        self._failures = 0
                        return version
        finally:
            has_lasted = self._clock() - began_at >= LEAST_SECONDS
            if has_lasted:
                self._failures = 0
        if not has_lasted:
            raise ApiError(0, "WatchEnded", "a watch ended as soon as it had begun")
        return version
