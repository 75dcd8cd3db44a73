"""Looking for the identities of the targets in line, beside the reading of the line."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from loadtest_operator.cluster.api import ApiError
from loadtest_operator.observe.identities import Identities
from loadtest_operator.observe.line_entries import TargetKey

_LOG: Final = logging.getLogger(__name__)

_IDENTITY_SECONDS: Final = 60.0
FRESH_IDENTITY_SECONDS: Final = 5.0
"""How old the identities of a target may be when its test starts. Those of the tests that it is compared with may be as
old as `_IDENTITY_SECONDS`."""
_LOOK_UPS_AT_ONCE: Final = 16
_PATIENCE_SECONDS: Final = 1.0


class IdentitySearches:
    """The identities of targets, looked for again when they are old. `on_change` is called if they differ from those
    before."""

    def __init__(self, identities: Identities, on_change: Callable[[], None]) -> None:
        self._identities = identities
        self._on_change = on_change
        self._searches: dict[TargetKey, asyncio.Task[None]] = {}
        self._slow: set[TargetKey] = set()
        self._gate = asyncio.Semaphore(_LOOK_UPS_AT_ONCE)

    def cancel(self) -> None:
        """End the searches that are under way."""
        for search in self._searches.values():
            search.cancel()

    def last_known(self, target: TargetKey) -> frozenset[str]:
        """The identities of a target as they were found last; none if they were never looked for."""
        return self._identities.last_known(*target) or frozenset()

    async def fresh_identities(self, target: TargetKey) -> frozenset[str]:
        """The identities of a target, at most `FRESH_IDENTITY_SECONDS` old.

        Raises ApiError.
        """
        if self._identities.age_seconds(*target) < FRESH_IDENTITY_SECONDS:
            return self.last_known(target)
        return await self._read(target)

    async def find(self, targets: set[TargetKey]) -> None:
        """Have the identities of these targets looked for, unless that was done lately.

        Those that are known by nothing yet are waited for, but not for long: a name that nobody resolves must hold up
        nobody. `on_change` tells of whatever is found later.
        """
        self._identities.forget_old(10 * _IDENTITY_SECONDS)
        for target in targets - self._searches.keys():
            if self._identities.age_seconds(*target) >= _IDENTITY_SECONDS:
                self._searches[target] = asyncio.create_task(self._search(target))
        new = {
            search
            for target, search in self._searches.items()
            if self._identities.last_known(*target) is None and target not in self._slow
        }
        if new:
            await asyncio.wait(new, timeout=_PATIENCE_SECONDS)
        self._slow = set(self._searches)

    async def _search(self, target: TargetKey) -> None:
        try:
            async with self._gate:
                await self._read(target)
        except ApiError as error:
            # Before it starts, a test must find them; the others need not wait for that.
            _LOG.warning("the target %s of namespace %s was not looked for: %s", *target[:2], error)
        finally:
            del self._searches[target]

    async def _read(self, target: TargetKey) -> frozenset[str]:
        """The identities of a target as they are now.

        Raises ApiError.
        """
        before = self._identities.last_known(*target)
        current = await self._identities.identities_of(*target)
        if current != before:
            self._on_change()
        return current
