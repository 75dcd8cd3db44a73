"""Whose turn it is: the line is read once for all who wait, whenever it has changed.

Who is next follows from the roster, which may be behind. So a test that may start according to it is looked at once
more: all Jobs and pods are read afresh, and so are its target's identities unless they were read some seconds ago. It
starts only where these agree. From then on it counts as one that runs, also before its Job is there to be seen.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from loadtest_operator.cluster.api import JOBS, LOADTESTS, PODS, Api, ApiError
from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import observed_test
from loadtest_operator.observe.identities import Identities
from loadtest_operator.observe.identity_searches import IdentitySearches
from loadtest_operator.observe.joining import Joint
from loadtest_operator.observe.line_entries import Belongings, Entry, entry_of
from loadtest_operator.observe.memory import Key
from loadtest_operator.observe.roster import Roster
from loadtest_operator.policy.line import Contender, Limits, Turn, find_turns

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]

LOOK_SECONDS: Final = 30.0
"""How often the roster is corrected while anybody waits, whatever the watches told."""
_LEAST_REST_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 2.0
_ALIVE: Final = "status.phase!=Succeeded,status.phase!=Failed"


class Urgency(IntEnum):
    """How soon a test must be looked at; the most urgent first."""

    RUNS = 0
    STARTS = 1
    GATHERS = 2
    """It has a Job, and its load has not begun: a minute's wait is nothing to its pods."""
    WAITS = 3


@dataclass(frozen=True)
class _Line:
    """Who holds a target, and who wants to."""

    holders: dict[str, Contender]
    remains: tuple[Contender, ...]
    waiting: dict[str, Contender]


class Contenders:
    """Says whose turn it is. `namespaces` empty means all; `now` gives the time in UTC.

    `wake` asks for a look at a test of which something else is to be said now, and `rank_anew` says that the urgency of
    a test is known now. Only one look at a test is under way at a time.
    """

    def __init__(
        self,
        api: Api,
        roster: Roster,
        identities: Identities,
        namespaces: tuple[str, ...],
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._roster = roster
        self._searches = IdentitySearches(identities, roster.touch)
        self._namespaces = namespaces
        self._limits = limits
        self._now = now
        self._turns: dict[str, Turn] = {}
        self._grants: dict[str, tuple[str, Contender]] = {}
        self._version = -1
        self._is_filled = False
        self._read_line = Joint(self._read_line_once)
        self._look = Joint(self._look_once)
        self.wake: Callable[[Key], None] = lambda _: None
        self.rank_anew: Callable[[Key], None] = lambda _: None

    async def run(self) -> None:
        """Have those looked at whose turn changes, until cancelled."""
        try:
            while True:
                await self._follow()
        finally:
            self._searches.cancel()

    async def read(self) -> None:
        """Know everybody's turn as the roster has it now.

        Raises ApiError.
        """
        if self._version != self._roster.version:
            await self._read_line()

    async def with_turn(self, observation: Observation) -> Observation:
        """The observation with its turn. Without a reason to wait the test counts as one that runs from now on, until
        `release`.

        Raises ApiError.
        """
        self._roster.see_observed(observation.test)
        await self.read()
        turn = self._turns.get(observation.test.identity.uid)
        if turn is None or turn.reason is None:
            return await self._decide_start(observation)
        return replace(observation, turn=turn)

    def release(self, uid: str) -> None:
        """The test has not been started after all."""
        if self._grants.pop(uid, None) is not None:
            self._roster.touch()

    def urgency(self, key: Key) -> Urgency:
        """How soon a test must be looked at; one that is gone as soon as what is left of it makes it."""
        uid = self._roster.uid_of(key)
        if uid is None:
            return Urgency.WAITS
        entry = self._roster.test(uid)
        has_job = self._roster.has_children(uid)
        is_under_way = has_job if entry is None else (has_job or entry.has_begun) and not entry.is_over
        if is_under_way or self._roster.has_pods(uid) or uid in self._grants:
            gathers = entry is not None and has_job and entry.holds_place and not (entry.has_started or entry.is_over)
            return Urgency.GATHERS if gathers else Urgency.RUNS
        turn = self._turns.get(uid)
        is_next = entry is not None and entry.holds_place and turn is not None and turn.reason is None
        return Urgency.STARTS if is_next else Urgency.WAITS

    def is_in_line(self, key: Key) -> bool:
        """Whether a test waits for its turn and for nothing else, and is woken when there is anything to be said."""
        uid = self._roster.uid_of(key)
        entry = None if uid is None else self._roster.test(uid)
        turn = None if uid is None else self._turns.get(uid)
        return bool(entry and entry.holds_place and turn and turn.reason)

    async def _follow(self) -> None:
        """Read the line, and wait until it may have changed."""
        try:
            await self.read()
            await asyncio.sleep(_LEAST_REST_SECONDS)
            await self._change()
        except ApiError as error:
            _LOG.warning("the line of tests was not read: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _change(self) -> None:
        """Wait until the line may have changed; while anybody waits, at most until the next look."""
        self._roster.changed.clear()
        if self._version != self._roster.version:
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._roster.changed.wait()
        except TimeoutError:
            if any(turn.reason for turn in self._turns.values()):
                await self._look()
                self._roster.touch()

    async def _read_line_once(self) -> None:
        """Find everybody's turn, and wake those to whom something else is to be said."""
        if not self._is_filled:
            await self._fill()
        # What comes during the search has not been looked for, so it calls for another reading.
        version = self._roster.version
        await self._searches.find({entry.target for entry in self._roster.tests if not entry.is_over})
        line = self._line()
        former = self._turns
        self._turns = find_turns((*line.holders.values(), *line.remains), line.waiting.values(), self._limits)
        self._version = version
        for uid, turn in self._turns.items():
            entry = self._roster.test(uid)
            if entry is None or not entry.holds_place:
                continue
            if uid not in former:
                # Its first turn was asked for before anybody knew that it may start.
                self.rank_anew(entry.key)
            elif former[uid] != turn:
                self.wake(entry.key)

    async def _decide_start(self, observation: Observation) -> Observation:
        """The observation with the turn that a fresh look allows, and with the test as it is now."""
        identity = observation.test.identity
        resource = await self._api.get(LOADTESTS, identity.namespace, identity.name)
        if resource is not None and resource["metadata"]["uid"] == identity.uid:
            self._roster.see_test(resource)
            observation = replace(observation, test=observed_test(resource))
        entry = entry_of(observation.test)
        uid = entry.uid
        target = await self._searches.fresh_identities(entry.target)
        await self._look()
        await self.read()
        # From here to the grant nobody else decides.
        line = self._line()
        mine = _contender(entry, Belongings(), target)
        holders = [one for holder_uid, one in line.holders.items() if holder_uid != uid]
        waiting = [one for other_uid, one in line.waiting.items() if other_uid != uid]
        turn = find_turns((*holders, *line.remains), (*waiting, mine), self._limits)[uid]
        # Whoever is told otherwise by the next reading of the line is woken.
        self._turns[uid] = turn
        if turn.reason is None:
            self._grants[uid] = entry.run_id, mine
            self._roster.touch()
        else:
            self.release(uid)
        return replace(observation, turn=turn, target_identities=tuple(sorted(target)))

    def _line(self) -> _Line:
        """The line as the roster has it."""
        belongings = self._roster.belongings(self._now())
        self._forget_grants(belongings)
        holders: dict[str, Contender] = {}
        waiting: dict[str, Contender] = {}
        for entry in self._roster.tests:
            its = belongings.pop(entry.uid, None) or Belongings()
            grant = self._grants.get(entry.uid)
            if grant is not None and grant[0] == entry.run_id:
                holders[entry.uid] = grant[1]
            elif holds_target(entry, its):
                holders[entry.uid] = _contender(entry, its, self._searches.last_known(entry.target))
            elif entry.url and not entry.is_over:
                waiting[entry.uid] = _contender(entry, its, self._searches.last_known(entry.target))
        remains = tuple(Contender("", "", "", "", its.pods, frozenset(its.target)) for its in belongings.values())
        return _Line(holders, remains, waiting)

    def _forget_grants(self, belongings: dict[str, Belongings]) -> None:
        """What has its Job is seen by that from now on, and what is gone starts no more."""
        for uid, (run_id, _) in list(self._grants.items()):
            entry, its = self._roster.test(uid), belongings.get(uid)
            if entry is None or entry.is_over or (its is not None and run_id in its.runs):
                del self._grants[uid]

    async def _fill(self) -> None:
        """Know everything once, before anybody's turn is found."""
        mark = self._roster.mark()
        await self._look()
        self._roster.replace_tests(await self._list_everywhere(LOADTESTS), mark)
        self._is_filled = True

    async def _look_once(self) -> None:
        """Read which Jobs and living pods there are."""
        mark = self._roster.mark()
        jobs, pods = await asyncio.gather(
            self._list_everywhere(JOBS, SELECTOR, metadata_only=True),
            self._list_everywhere(PODS, SELECTOR, fields=_ALIVE, metadata_only=True),
        )
        self._roster.replace_children(jobs, mark, are_pods=False)
        self._roster.replace_children(pods, mark, are_pods=True)

    async def _list_everywhere(
        self, kind: str, selector: str = "", *, fields: str = "", metadata_only: bool = False
    ) -> list[Json]:
        objects: list[Json] = []
        for namespace in self._namespaces or (None,):
            objects += await self._api.list(kind, namespace, selector, fields=fields, metadata_only=metadata_only)
        return objects


def holds_target(entry: Entry, its: Belongings) -> bool:
    """Whether a test holds its target: from its Job on until it has ended and its pods too."""
    has_begun = entry.has_begun or entry.run_id in its.runs
    return its.pods > 0 or (has_begun and not entry.is_over)


def _contender(entry: Entry, its: Belongings, identities: Iterable[str]) -> Contender:
    return Contender(
        uid=entry.uid,
        namespace=entry.namespace,
        name=entry.name,
        created_at=entry.created_at,
        pods=max(its.pods, 0 if entry.is_over else entry.pods),
        target=frozenset(identities) | its.target,
        is_exclusive=entry.is_exclusive,
        holds_place=entry.holds_place,
    )
