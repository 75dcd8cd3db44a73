"""The open model on a real server: what is due is due, whatever the target does."""

import asyncio
import math
import time

import msgspec
import pytest
from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target
from support.loadgen_loads import Load, answer_after, custom_plan


async def test_uploads_are_due_at_the_arrival_rate_however_long_the_answers_take() -> None:
    async with running_target(answer_after(0.4)) as target:
        load = Load(custom_plan(target.url, arrivalRate=20, duration="1500ms"), target.port)

        await load.run()

        step = load.step()
        assert step.total.due == step.total.accepted == len(target.uploads) == 30
        assert step.vu_limit_reached == 0
        assert step.lateness.count == 30
        assert step.finished_pods
        assert step.load_seconds == 1.5
        # By Little's law eight are in flight, and no more than arrive during the longest of them.
        most_in_flight = math.ceil(20 * (step.response.max_seconds or 0.0)) + 1
        assert 8 <= max(second.virtual_users for second in step.seconds) <= most_in_flight


async def test_an_arrival_that_waits_for_a_free_user_keeps_its_intended_start() -> None:
    async with running_target(answer_after(0.25)) as target:
        plan = custom_plan(target.url, arrivalRate=10, duration="1s", virtualUsers=2)
        load = Load(plan, target.port)
        start = time.monotonic()

        await load.run()

        step = load.step()
        assert step.vu_limit_reached >= 4
        assert step.service.mean_seconds is not None
        assert step.response.max_seconds is not None
        # Two users are served for no longer than twice the time that passes, however slow the machine is.
        assert step.service.mean_seconds * step.service.count <= 2 * (time.monotonic() - start)
        assert step.total.accepted + step.total.dropped == step.total.due == 10
        # Ten arrivals of 0.25 s each and two users: the eighth waits for 0.15 s.
        assert step.response.max_seconds > 0.39


async def test_an_arrival_that_waits_too_long_is_dropped_and_counts_as_late_as_its_patience() -> None:
    async with running_target(answer_after(0.6)) as target:
        plan = custom_plan(target.url, arrivalRate=10, duration="1s", virtualUsers=1, maxLateness="200ms")
        load = Load(plan, target.port)

        await load.run()

        step = load.step()
        assert step.total.due == 10
        assert step.total.dropped >= 7
        assert step.total.sent == len(target.uploads) == step.service.count
        assert step.response.count == 10
        assert step.total.error_rate == step.total.dropped / 10
        dropped_counts = [second.counts.dropped for second in step.seconds]
        assert sum(dropped_counts) == step.total.dropped


async def test_what_waits_at_the_end_of_the_load_is_dropped_and_what_is_in_flight_is_finished() -> None:
    async with running_target(answer_after(0.55)) as target:
        plan = custom_plan(target.url, arrivalRate=10, duration="1s", virtualUsers=1)
        load = Load(plan, target.port)
        start = time.monotonic()

        await load.run()

        assert time.monotonic() - start < 2.5
        step = load.step()
        assert (step.total.sent, step.total.dropped) == (2, 8)
        # Due after 0.1 to 0.9 s, they had waited for less than that when the load ended after one second.
        assert step.censored.response.count == 8
        assert step.censored.response.max_seconds is not None
        assert 0.7 < step.censored.response.max_seconds < 1.5
        assert step.in_flight == 0


async def test_stages_of_arrival_rates_are_ramps() -> None:
    async with running_target() as target:
        stages = [{"duration": "1s", "arrivalRate": 20}, {"duration": "500ms", "arrivalRate": 20}]
        load = Load(custom_plan(target.url, stages=stages), target.port)

        await load.run()

        step = load.step()
        assert step.total.accepted == 20
        assert [counts.accepted for counts in step.segment_counts] == [10, 10]


async def test_the_pods_of_a_fleet_share_one_poisson_schedule() -> None:
    async with running_target() as target:
        plan = custom_plan(target.url, parallelism=2, arrivalRate=20, duration="1s", arrivals="poisson")
        loads = [Load(plan, target.port, pod_index=index) for index in range(2)]
        single_load = Load(msgspec.structs.replace(plan, parallelism=1), target.port)

        await asyncio.gather(*(load.run() for load in loads))
        due_counts = [load.step().total.due for load in loads]
        await single_load.run()

        assert sum(due_counts) == single_load.step().total.due
        assert abs(due_counts[0] - due_counts[1]) <= 1


async def test_a_stop_takes_back_what_waits_and_finishes_what_is_in_flight() -> None:
    async with running_target(answer_after(0.5)) as target:
        plan = custom_plan(target.url, arrivalRate=50, duration="60s", virtualUsers=3)
        load = Load(plan, target.port)
        running = asyncio.create_task(load.run())
        while load.engine.virtual_users < 3 or load.step().in_flight < 6:  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.01)

        load.engine.drain()
        await asyncio.wait_for(running, 5)

        step = load.step()
        assert step.total.due == step.total.accepted == len(target.uploads)
        assert step.in_flight == 0
        assert not step.finished_pods
        assert step.load_seconds < 5


async def test_cancelling_takes_back_what_waits_and_counts_what_is_in_flight_as_cancelled() -> None:
    async with running_target(answer_after(60)) as target:
        plan = custom_plan(target.url, arrivalRate=50, duration="60s", virtualUsers=3)
        load = Load(plan, target.port)
        running = asyncio.create_task(load.run())
        while len(target.uploads) < 3:  # noqa: ASYNC110 - what is waited for is in the target
            await asyncio.sleep(0.01)

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        step = load.step()
        assert step.total.due == step.total.cancelled == 3
        assert step.in_flight == 0


async def test_a_violation_ends_the_load_of_the_open_model_too() -> None:
    def break_promise(received: ReceivedUpload) -> web.StreamResponse:
        return honouring_answer(received, load_test_mode=None if received.number == 3 else True)

    async with running_target(break_promise) as target:
        load = Load(custom_plan(target.url, arrivalRate=20, duration="60s"), target.port)

        violation = await asyncio.wait_for(load.run(), 5)

        assert violation is not None
        assert load.step().total.violation == 1


async def test_while_it_waits_an_arrival_is_told_with_its_age() -> None:
    async with running_target(answer_after(60)) as target:
        load = Load(custom_plan(target.url, arrivalRate=20, duration="60s", virtualUsers=1), target.port)
        running = asyncio.create_task(load.run())
        while load.recorder.read(0, 0) and not len(target.uploads):  # noqa: ASYNC110 - it is in the target
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.4)

        step = load.step()

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert step.in_flight >= 6
        assert len(step.in_flight_ages_seconds) == step.in_flight


async def test_a_number_of_records_ends_an_open_load_too() -> None:
    async with running_target() as target:
        load = Load(custom_plan(target.url, arrivalRate=40, records=190), target.port)
        start = time.monotonic()

        await load.run()

        assert time.monotonic() - start < 5
        step = load.step()
        assert step.total.records_sent == target.rows == 190
        assert step.total.due == 10
        assert step.finished_pods
