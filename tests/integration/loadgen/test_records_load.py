"""A load that is a number of records: just so many, over all pods; and the end of any load."""

import asyncio
import time
from typing import Any

from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target, status_answerer
from support.loadgen_loads import Load, answer_after, custom_plan


async def test_all_pods_together_send_just_so_many_records() -> None:
    async with running_target() as target:
        plan = custom_plan(target.url, parallelism=3, records=1_010, virtualUsers=4)
        loads = [Load(plan, target.port, pod_index=index) for index in range(3)]

        await asyncio.gather(*(load.run() for load in loads))

        steps = [load.step() for load in loads]
        assert sum(step.total.records_sent for step in steps) == target.rows == 1_010
        assert sorted(received.rows for received in target.uploads) == [10] + [20] * 50
        assert [step.total.due for step in steps] == [17, 17, 17]
        assert all(step.finished_pods for step in steps)


async def test_the_load_lasts_until_the_last_answer() -> None:
    async with running_target(answer_after(0.5)) as target:
        load = Load(custom_plan(target.url, records=60, virtualUsers=1), target.port)

        await load.run()

        assert 1.5 <= load.step().load_seconds < 2.5


async def test_an_upload_that_fails_is_not_sent_again() -> None:
    async with running_target(status_answerer(500)) as target:
        load = Load(custom_plan(target.url, records=60, virtualUsers=1), target.port)

        await load.run()

        assert len(target.uploads) == 3
        assert load.step().total.rejected == 3
        assert load.step().finished_pods


async def test_a_stop_before_the_last_record_leaves_the_load_unfinished() -> None:
    async with running_target(answer_after(0.1)) as target:
        load = Load(custom_plan(target.url, records=20_000, virtualUsers=2), target.port)
        running = asyncio.create_task(load.run())
        while not target.uploads:  # noqa: ASYNC110 - what is waited for is in the target
            await asyncio.sleep(0.01)

        load.engine.drain()
        await asyncio.wait_for(running, 5)

        assert not load.step().finished_pods


async def test_what_is_in_flight_when_the_graceful_stop_is_over_is_cut() -> None:
    async with running_target(answer_after(30)) as target:
        plan = custom_plan(target.url, virtualUsers=2, duration="1s", gracefulStop="300ms")
        load = Load(plan, target.port)
        start = time.monotonic()

        await load.run()

        assert 1.2 < time.monotonic() - start < 3
        step = load.step()
        assert step.total.cancelled == step.total.sent == 2
        assert step.finished_pods


async def test_a_virtual_user_rests_as_long_as_a_throttling_answer_asks() -> None:
    def throttle_first(received: ReceivedUpload) -> web.StreamResponse:
        if received.number == 0:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return honouring_answer(received)

    arrivals: list[float] = []

    async def note_and_answer(received: ReceivedUpload) -> Any:
        arrivals.append(time.monotonic())
        return throttle_first(received)

    async with running_target(note_and_answer) as target:
        load = Load(custom_plan(target.url, records=40, virtualUsers=1), target.port)

        await load.run()

        first_arrival, second_arrival = arrivals
        assert second_arrival - first_arrival >= 1.0
        assert load.step().total.rejected == 1


async def test_a_pause_that_outlasts_the_load_ends_the_virtual_user() -> None:
    async with running_target(status_answerer(429, **{"Retry-After": "60"})) as target:
        load = Load(custom_plan(target.url, virtualUsers=1, duration="1s"), target.port)
        start = time.monotonic()

        await load.run()

        assert time.monotonic() - start < 2
        assert len(target.uploads) == 1
