"""However the API server answers, whenever operators die, pause or leave: never are two of them at work at once.

The operators are the real ones but for their API server, which loses requests, loses answers, and takes its time, and
for the clock, which passes by waiting alone and reads something else for each of them.
"""

import asyncio
import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.leading.election import HOLD_SECONDS, LEASE_SECONDS, POLL_SECONDS, RENEW_SECONDS, REQUEST_SECONDS
from loadtest_operator.leading.leadership import Leadership, LeadershipDependencies
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Ended(BaseException):
    """A process ended itself."""


@dataclass(frozen=True)
class Trouble:
    """What one request meets: a wait on its way there, one on its way back, or a loss on either."""

    there: float = 0.01
    back: float = 0.01
    lost: str = ""


@dataclass
class Store:
    """The API server's one Lease and its version."""

    lease: Json | None = None
    version: int = 0

    def write(self, manifest: Json, version: str | None) -> Json:
        if (self.lease is None) != (version is None):
            raise ApiError(404 if self.lease is None else 409, "AlreadyExists", "")
        if self.lease is not None and self.lease["metadata"]["resourceVersion"] != version:
            raise ApiError(409, "Conflict", "")
        self.version += 1
        self.lease = copy.deepcopy(manifest)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return self.lease


@dataclass
class Client:
    """The part of Api that an election uses, and what each request meets in turn. Those of a process that was killed
    arrive no more."""

    store: Store
    troubles: list[Trouble]
    requests: int = 0
    alive: bool = True

    async def get(self, _kind: str, _namespace: str, _name: str) -> Json | None:
        return await self._ask(lambda: self.store.lease)

    async def create(self, _kind: str, _namespace: str, manifest: Json) -> Json:
        return cast("Json", await self._ask(lambda: self.store.write(manifest, None)))

    async def replace(self, _kind: str, _namespace: str, _name: str, manifest: Json) -> Json:
        version = manifest["metadata"]["resourceVersion"]
        return cast("Json", await self._ask(lambda: self.store.write(manifest, version)))

    async def _ask(self, act: Callable[[], Json | None]) -> Json | None:
        if not self.alive:
            raise ApiError(0, "Unreachable", "the process is gone")
        # What was sent arrives, whether or not anybody still waits for the answer.
        sent = asyncio.ensure_future(self._reach(act))
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(sent)

    async def _reach(self, act: Callable[[], Json | None]) -> Json | None:
        trouble = self.troubles[min(self.requests, len(self.troubles) - 1)]
        self.requests += 1
        await asyncio.sleep(trouble.there)
        if trouble.lost == "request":
            raise ApiError(0, "Unreachable", "lost on its way")
        made = copy.deepcopy(act())
        await asyncio.sleep(trouble.back)
        if trouble.lost == "answer":
            raise ApiError(0, "Unreachable", "its answer was lost")
        return made


@dataclass
class Work:
    """When which operator acted, by the one clock of the test."""

    started_at: float
    acts: list[tuple[float, str]] = field(default_factory=list)

    @property
    def turns(self) -> list[str]:
        """Who acted, each stretch once."""
        names = [name for _, name in self.acts]
        return [name for name, before in zip(names, [None, *names], strict=False) if name != before]

    def began(self, name: str) -> float:
        """After how many seconds an operator first acted."""
        return next(at for at, who in self.acts if who == name) - self.started_at


@dataclass(frozen=True)
class Fate:
    """An operator's clock, its requests (the last one's trouble stays), when it begins, and how it ends."""

    clock_ahead: float = 0.0
    troubles: tuple[Trouble, ...] = (Trouble(),)
    begins: float = 0.0
    lives: float = 60.0
    killed: bool = False


async def operator(client: Client, work: Work, name: str, fate: Fate) -> None:
    loop = asyncio.get_running_loop()

    def end(why: str) -> None:
        raise Ended(why)

    world = LeadershipDependencies(
        clock=lambda: loop.time() + fate.clock_ahead,
        now=lambda: EPOCH,
        sleep=asyncio.sleep,
        end=end,
        beat=lambda: None,
    )
    leadership = Leadership(cast("Api", client), "system", "lease", name, world)
    try:
        async with leadership.lead():
            while True:
                leadership.check()
                work.acts.append((loop.time(), name))
                await asyncio.sleep(0.25)
    except Ended:
        return
    except BaseExceptionGroup as group:
        if group.split(Ended)[1] is not None:
            raise


async def life(store: Store, work: Work, name: str, fate: Fate) -> None:
    await asyncio.sleep(fate.begins)
    client = Client(store, list(fate.troubles))
    task = asyncio.ensure_future(operator(client, work, name, fate))
    await asyncio.wait([task], timeout=fate.lives)
    client.alive = not fate.killed
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def lived(*fates: Fate) -> Work:
    """The work that operators of these fates did, by their names 0, 1, ..."""

    async def all_of_them() -> Work:
        store, work = Store(), Work(asyncio.get_running_loop().time())
        async with asyncio.TaskGroup() as group:
            for number, fate in enumerate(fates):
                group.create_task(life(store, work, str(number), fate))
        return work

    return run_in_virtual_time(all_of_them())


FINE, DELAYED = st.just(Trouble()), st.floats(0.0, 15.0)
LOST = st.builds(Trouble, there=DELAYED, back=DELAYED, lost=st.sampled_from(["", "request", "answer"]))
STRETCHES = st.builds(lambda trouble, times: (trouble,) * times, st.one_of(FINE, LOST), st.integers(1, 12))
FATES = st.builds(
    Fate,
    clock_ahead=st.floats(-1e6, 1e6),
    troubles=st.lists(STRETCHES, min_size=1, max_size=6).map(lambda stretches: sum(stretches, ())),
    begins=st.floats(0.0, 40.0),
    lives=st.floats(1.0, 80.0),
    killed=st.booleans(),
)
CUT_OFF = (*[Trouble()] * 20, Trouble(lost="request"))


@given(st.lists(FATES, min_size=2, max_size=4))
@example([Fate(troubles=CUT_OFF, lives=90.0), Fate(begins=1.0, lives=90.0)])
@example([Fate(troubles=(*[Trouble()] * 20, Trouble(lost="answer")), lives=90.0), Fate(begins=1.0, lives=90.0)])
@example([Fate(troubles=(*[Trouble()] * 20, Trouble(back=1.9)), lives=90.0), Fate(begins=1.0, lives=90.0)])
def test_no_two_operators_are_ever_at_work_at_once(fates: list[Fate]) -> None:
    turns = lived(*fates).turns

    # Whoever stopped never comes back, so a name that came twice was interrupted by another.
    assert len(turns) == len(set(turns))


@given(st.floats(20.0, 40.0))
def test_a_killed_operator_is_followed_within_fifteen_seconds(killed_after: float) -> None:
    work = lived(Fate(lives=killed_after, killed=True), Fate(begins=1.0, lives=70.0))

    assert work.turns == ["0", "1"]
    assert work.began("1") - killed_after <= LEASE_SECONDS + POLL_SECONDS + REQUEST_SECONDS <= 15.0


@given(st.floats(20.0, 40.0))
def test_an_operator_that_leaves_is_followed_at_once(leaves_after: float) -> None:
    work = lived(Fate(lives=leaves_after), Fate(begins=1.0, lives=60.0))

    assert work.turns == ["0", "1"]
    assert work.began("1") - leaves_after <= POLL_SECONDS + 0.5


def test_an_operator_without_an_api_server_stops_before_another_begins() -> None:
    work = lived(Fate(troubles=CUT_OFF, lives=200.0), Fate(begins=1.0, lives=90.0))

    stopped = max(at for at, who in work.acts if who == "0") - work.started_at
    assert work.turns == ["0", "1"]
    assert stopped + LEASE_SECONDS - HOLD_SECONDS - RENEW_SECONDS < work.began("1")


def test_without_any_answer_nobody_goes_on() -> None:
    lonely = Fate(troubles=CUT_OFF, lives=200.0)

    work = lived(lonely, Fate(troubles=CUT_OFF, begins=1.0, lives=200.0))

    assert work.turns == ["0"]
    assert work.acts[-1][0] - work.started_at < 80.0
