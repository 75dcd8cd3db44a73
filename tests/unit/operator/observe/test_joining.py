"""One reading for all who ask at once."""

import asyncio

import pytest

from loadtest_operator.observe.joining import Joint


class Reading:
    """A reading that ends when it is told to; it notes what was true when it began."""

    def __init__(self) -> None:
        self.truth = 0
        self.readings: list[int] = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> None:
        read = self.truth
        self.began.set()
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        self.readings.append(read)


async def test_who_asks_while_one_is_under_way_shares_the_next_with_all_others() -> None:
    reading = Reading()
    joint = Joint(reading)
    first = asyncio.create_task(joint())
    await reading.began.wait()
    reading.truth = 1
    others = [asyncio.create_task(joint()) for _ in range(50)]
    await asyncio.sleep(0)

    reading.go_on.set()
    await asyncio.gather(first, *others)

    assert reading.readings == [0, 1]


async def test_a_reading_that_fails_is_nobody_elses() -> None:
    reading = Reading()
    joint = Joint(reading)
    first = asyncio.create_task(joint())
    await reading.began.wait()
    second = asyncio.create_task(joint())
    await asyncio.sleep(0)
    reading.failure = RuntimeError("an outage")
    reading.go_on.set()

    with pytest.raises(RuntimeError):
        await first
    reading.failure = None
    await asyncio.gather(second, return_exceptions=True)
    await joint()

    assert reading.readings
