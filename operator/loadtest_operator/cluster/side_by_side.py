"""Many things of one kind, some of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def side_by_side(
    items: Sequence[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], most_at_once: int
) -> list[ResultT]:
    """What the work makes of each item, in their order, with so many under way at most.

    As many tasks as may be under way share the items: a task for each item costs more than a short exchange.
    """
    results: dict[int, ResultT] = {}
    remaining = iter(enumerate(items))

    async def work_on_remaining() -> None:
        for number, item in remaining:
            results[number] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(most_at_once, len(items))):
            group.create_task(work_on_remaining())
    return [results[number] for number in range(len(items))]
