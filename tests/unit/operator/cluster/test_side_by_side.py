"""Many things, some of them at a time."""

import asyncio

import pytest

from loadtest_operator.cluster.side_by_side import side_by_side


class DefectError(Exception):
    pass


async def test_results_stand_in_the_order_of_their_items_whatever_ends_first() -> None:
    events = [asyncio.Event() for _ in range(3)]

    async def work(number: int) -> int:
        if number + 1 < len(events):
            await events[number + 1].wait()
        events[number].set()
        return number * 10

    assert await side_by_side([0, 1, 2], work, 3) == [0, 10, 20]


async def test_no_more_are_under_way_than_may_be_and_every_place_is_used() -> None:
    under_way = most = 0

    async def work(_number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    await side_by_side(range(50), work, 7)

    assert most == 7


async def test_of_no_items_nothing_is_made() -> None:
    async def work(number: int) -> int:
        return number

    assert await side_by_side([], work, 7) == []


async def test_an_error_ends_the_others() -> None:
    was_cut: list[int] = []

    async def work(number: int) -> None:
        if number == 0:
            raise DefectError
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cut.append(number)
            raise

    with pytest.raises(ExceptionGroup) as raised:
        await side_by_side([1, 0, 2], work, 2)

    assert raised.group_contains(DefectError)
    assert was_cut == [1]
