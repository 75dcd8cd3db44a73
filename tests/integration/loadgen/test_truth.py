"""What is reported against what the target itself measured, to the nanosecond and upload by upload."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target
from loadgen.http.endpoints import parse_endpoint
from loadtest_model.measurement.sketch import Sketch
from support.loadgen_loads import Load, custom_plan

WITHIN = 0.02


@dataclass
class Delays:
    """Answers after a delay that the upload's number decides, and keeps how long each upload was really held."""

    of: Callable[[int], float]
    held_seconds: list[float] = field(default_factory=list)
    rows: int = 0

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        start = time.monotonic()
        await asyncio.sleep(self.of(received.number))
        self.held_seconds.append(time.monotonic() - start)
        self.rows += received.rows
        return honouring_answer(received)

    def exactly(self, quantile: float) -> float:
        """The nearest-rank quantile of what was held."""
        ascending_seconds = sorted(self.held_seconds)
        return ascending_seconds[max(1, math.ceil(quantile * len(ascending_seconds))) - 1]


def assert_quantiles_agree(sketch: Sketch, delays: Delays) -> None:
    for quantile in (0.5, 0.95, 0.99):
        quantile_seconds = sketch.quantile_seconds(quantile)
        assert quantile_seconds is not None
        assert quantile_seconds == pytest.approx(delays.exactly(quantile), rel=WITHIN), quantile


def constant(_number: int) -> float:
    return 1.0


def bimodal(number: int) -> float:
    return 2.0 if number % 10 == 9 else 1.0


@pytest.mark.parametrize("delay", [constant, bimodal])
async def test_in_the_closed_model_quantiles_are_those_of_the_targets_own_record(
    delay: Callable[[int], float],
) -> None:
    delays = Delays(delay)
    async with running_target(delays.answer) as target:
        load = Load(custom_plan(target.url, virtualUsers=20, duration="6s"), target.port)

        await load.run()

        step = load.step()
        assert_quantiles_agree(step.response, delays)
        assert_quantiles_agree(step.service, delays)
        assert step.total.accepted == len(target.uploads) == len(delays.held_seconds) == step.response.count
        assert step.total.records_sent == step.total.records_confirmed == delays.rows
        assert step.parts.wait.count == step.service.count
        mean = step.parts.wait.mean_seconds
        assert mean is not None
        assert mean == pytest.approx(sum(delays.held_seconds) / len(delays.held_seconds), rel=WITHIN)


@dataclass
class Stall:
    """A target that answers one upload at a time at once, but for a pause of all of them at some instant."""

    begins: float
    lasts: float
    start: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        async with self.turn:
            since = time.monotonic() - self.start
            if self.begins <= since < self.begins + self.lasts:
                await asyncio.sleep(self.begins + self.lasts - since)
            return honouring_answer(received)


async def test_a_stall_shows_in_the_response_time_of_the_open_model_and_hides_in_the_service_time() -> None:
    stall = Stall(begins=1.0, lasts=2.0)
    async with running_target(stall.answer) as target:
        # One user: while it waits for the stalled answer, the arrivals of two seconds queue up behind it.
        plan = custom_plan(target.url, arrivalRate=50, virtualUsers=1, duration="5s")
        load = Load(plan, target.port)
        stall.start = time.monotonic()

        await load.run()

        step = load.step()
        assert step.total.accepted == step.total.due == 250
        response, service = step.response.quantile_seconds(0.75), step.service.quantile_seconds(0.99)
        assert response is not None
        assert service is not None
        # 100 of the 250 arrivals were due in the stall, and waited for one second on average.
        assert response > 0.5
        assert service < 0.25
        assert step.service.max_seconds == pytest.approx(2.0, rel=0.1)
        mean = step.response.mean_seconds
        assert mean is not None
        assert mean > 0.35
        assert step.vu_limit_reached >= 90


async def test_in_the_closed_model_the_same_stall_is_one_slow_upload() -> None:
    stall = Stall(begins=1.0, lasts=2.0)
    async with running_target(stall.answer) as target:
        load = Load(custom_plan(target.url, virtualUsers=1, duration="4s", thinkTime="20ms"), target.port)
        stall.start = time.monotonic()

        await load.run()

        step = load.step()
        assert step.total.accepted == len(target.uploads)
        assert step.response.max_seconds == pytest.approx(2.0, rel=0.1)
        assert (step.response.quantile_seconds(0.95) or 9.0) < 0.25


async def test_the_spread_over_addresses_is_what_each_of_them_received() -> None:
    async with running_target() as first_target, running_target(host="127.0.0.2") as second_target:
        load = Load(custom_plan(first_target.url, virtualUsers=3, duration="1s"), first_target.port)
        load.book.confirm(parse_endpoint(f"127.0.0.2:{second_target.port}"))

        await load.run()

        addresses = load.step().addresses
        received_counts = {
            f"127.0.0.1:{first_target.port}": len(first_target.uploads),
            f"127.0.0.2:{second_target.port}": len(second_target.uploads),
        }
        assert {address: counts.sent for address, counts in addresses.items()} == received_counts
        assert all(counts.accepted == counts.sent for counts in addresses.values())
