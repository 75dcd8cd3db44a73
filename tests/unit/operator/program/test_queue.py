"""The queue on a real event loop: single flight, failures, cancellation."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from loadtest_operator.observe.contenders import Urgency
from loadtest_operator.observe.memory import Key
from loadtest_operator.policy.backoff import FIRST_BACKOFF_SECONDS
from loadtest_operator.program.metrics import OperatorMetrics
from loadtest_operator.program.queue import BURST_SECONDS, WorkQueue

A, B = ("shop", "a"), ("shop", "b")
PATIENCE_SECONDS = 10.0


@asynccontextmanager
async def a_queue(
    turn: Callable[[Key], Awaitable[float | None]], urgency: Callable[[Key], Urgency] = lambda _: Urgency.RUNS
) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(time.monotonic, lambda: 0.0, OperatorMetrics(CollectorRegistry()), urgency)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        running = group.create_task(queue.run(turn))
        yield queue
        running.cancel()


async def test_one_key_has_one_turn_at_a_time_and_others_go_on() -> None:
    under_way: list[Key] = []
    both, release, again = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def turn(key: Key) -> None:
        if key == A and A in under_way:
            raise AssertionError("two turns for one key")
        if release.is_set():
            again.set()
            return
        under_way.append(key)
        if len(under_way) == 2:
            both.set()
        await release.wait()
        under_way.remove(key)

    async with a_queue(turn) as queue:
        queue.add(A)
        queue.add(B)
        await both.wait()
        queue.add(A)
        release.set()
        await again.wait()


async def test_a_turn_that_asks_for_another_gets_it() -> None:
    turns: list[Key] = []
    done = asyncio.Event()

    async def turn(key: Key) -> float | None:
        turns.append(key)
        if len(turns) < 3:
            return 0.0
        done.set()
        return None

    async with a_queue(turn) as queue:
        queue.add(A)
        await done.wait()

    assert turns == [A, A, A]


async def test_a_failed_turn_is_tried_again_later_and_does_not_end_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    instants: list[float] = []
    done = asyncio.Event()

    async def turn(_key: Key) -> None:
        instants.append(time.monotonic())
        if len(instants) == 1:
            raise RuntimeError("an outage")
        done.set()

    async with a_queue(turn) as queue:
        queue.add(A)
        await done.wait()

    assert instants[1] - instants[0] >= FIRST_BACKOFF_SECONDS / 2
    assert "an outage" in caplog.text


async def test_tests_that_run_have_their_turns_while_hundreds_wait_for_theirs() -> None:
    under_way: set[Key] = set()
    waiting = {("shop", f"waits-{number}") for number in range(500)}
    begun, release, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    most, turns = 0, 0

    async def turn(key: Key) -> None:
        nonlocal most, turns
        if key == A:
            done.set()
            return
        under_way.add(key)
        begun.set()
        most = max(most, len(under_way))
        await release.wait()
        under_way.discard(key)
        turns += 1
        if turns == len(waiting):
            done.set()

    async with a_queue(turn, lambda key: Urgency.WAITS if key in waiting else Urgency.RUNS) as queue:
        for key in waiting:
            queue.add(key)
        await begun.wait()
        queue.add(A)
        await done.wait()
        done.clear()
        release.set()
        await done.wait()

    assert most <= 16


@pytest.mark.parametrize("urgency", [Urgency.WAITS, Urgency.GATHERS])
async def test_beside_the_one_that_may_start_few_that_can_wait_have_a_turn(urgency: Urgency) -> None:
    waiting = [("shop", f"waits-{number}") for number in range(100)]
    under_way: set[Key] = set()
    started, go_on, all_done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    beside: list[int] = []

    async def turn(key: Key) -> None:
        under_way.add(key)
        if key == A:
            started.set()
            await go_on.wait()
        else:
            if A in under_way:
                beside.append(len(under_way) - 1)
            await asyncio.sleep(0)
        under_way.discard(key)
        waiting[:] = [each for each in waiting if each != key]
        if not waiting:
            all_done.set()

    async with a_queue(turn, lambda key: Urgency.STARTS if key == A else urgency) as queue:
        for key in (*waiting, A):
            queue.add(key)
        await all_done.wait()
        go_on.set()

    assert started.is_set()
    assert max(beside) <= 2


async def test_a_test_that_turns_out_to_be_next_does_not_wait_behind_those_that_gather() -> None:
    new, gathering = ("shop", "new"), [("shop", f"gathers-{number}") for number in range(20)]
    urgency = {new: Urgency.WAITS, A: Urgency.STARTS, **dict.fromkeys(gathering, Urgency.GATHERS)}
    begun: list[Key] = []
    turns, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def turn(key: Key) -> None:
        begun.append(key)
        turns.release()
        await go_on.wait()

    async with a_queue(turn, urgency.__getitem__) as queue:
        queue.add(A)
        await turns.acquire()
        for key in (*gathering, new):
            queue.add(key)
        for _ in range(2):
            await turns.acquire()
        urgency[new] = Urgency.STARTS
        queue.rank_anew(new)
        await turns.acquire()
        go_on.set()

    assert begun == [A, *gathering[:2], new]


async def test_a_burst_of_changes_is_one_turn() -> None:
    turns: list[float] = []
    done = asyncio.Event()

    async def turn(_key: Key) -> None:
        turns.append(time.monotonic())
        done.set()

    async with a_queue(turn) as queue:
        began_at = time.monotonic()
        for _ in range(5):
            queue.add_soon(A)
            await asyncio.sleep(0)
        await done.wait()

    assert len(turns) == 1
    assert turns[0] - began_at >= BURST_SECONDS
