"""A step in blocks: which seconds are compared, and that failures never improve a figure."""

from typing import Any

import pytest

from loadtest_model.baseline.blocks import StepBlocks, block_length, blocks_of, compared_seconds
from loadtest_model.measurement.coarse_times import bucket_of, coarse_times
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from support.builders import a_plan, counts

TIMEOUT_SECONDS = 120.0


def a_step(**load: Any) -> Step:
    return a_plan(scenario="custom", load={"batchSize": 10, **load}, thresholds=[]).steps[0]


def a_second(
    number: int, seconds_each: float = 0.1, accepted: int = 20, fast_errors: int = 0, timeouts: int = 0
) -> Second:
    buckets = {bucket_of(int(seconds_each * 1e9)): accepted}
    if fast_errors:
        buckets[bucket_of(1_000_000)] = fast_errors
    return Second(
        second=number,
        counts=counts(accepted=accepted, rejected=fast_errors, unknown=timeouts, records_confirmed=10 * accepted),
        virtual_users=1,
        ended=accepted + fast_errors + timeouts,
        answers=accepted + fast_errors,
        response_nanoseconds_sum=int((accepted * seconds_each + fast_errors * 0.001) * 1e9),
        failed=fast_errors + timeouts,
        errors={
            kind: count
            for kind, count in ((ErrorKind.SERVER_ERROR, fast_errors), (ErrorKind.TIMEOUT, timeouts))
            if count
        },
        answer_times=coarse_times(buckets),
    )


def blocks(seconds: int = 100, **fields: Any) -> StepBlocks:
    step = a_step(duration=f"{seconds}s", virtualUsers=1)
    measured = StepAggregate(seconds=tuple(a_second(number, **fields) for number in range(seconds)), finished_pods=1)
    return blocks_of(step, measured, TIMEOUT_SECONDS)


def test_a_load_of_100_seconds_has_ten_blocks_with_every_figure() -> None:
    measured = blocks()

    assert measured.seconds == 10
    assert {name: len(values) for name, values in measured.figures.items()} == dict.fromkeys(
        (
            "requests_per_second",
            "records_per_second",
            "bytes_per_second",
            "error_rate",
            "avg",
            "p50",
            "p90",
            "p95",
            "p99",
        ),
        10,
    )
    assert measured.figures["records_per_second"][0] == 200
    assert measured.figures["avg"][0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("seconds", "length"), [(5, 1), (60, 6), (99, 9), (100, 10), (1_200, 10), (1_201, 11), (86_400, 720)]
)
def test_short_loads_have_shorter_blocks_and_long_ones_longer(seconds: int, length: int) -> None:
    assert block_length(seconds) == length


def test_only_the_plateau_at_the_highest_load_is_compared() -> None:
    stages = [
        {"duration": duration, "virtualUsers": users}
        for duration, users in (("0s", 2), ("30s", 2), ("0s", 10), ("30s", 10), ("20s", 0))
    ]

    assert compared_seconds(a_step(stages=stages), 80.0) == list(range(30, 62))


def test_of_a_mere_ramp_all_seconds_are_compared() -> None:
    step = a_step(stages=[{"duration": "60s", "virtualUsers": 20}])

    assert compared_seconds(step, 60.0) == list(range(60))


def test_the_warm_up_is_left_out() -> None:
    assert compared_seconds(a_step(duration="30s", virtualUsers=1, warmUp="7.5s"), 30.0) == list(range(8, 30))


@pytest.mark.parametrize("metric", ["avg", "p50", "p95", "p99"])
def test_fast_errors_never_improve_a_time(metric: str) -> None:
    without, with_errors = (blocks(fast_errors=errors).figures[metric][0] for errors in (0, 10))

    assert with_errors >= without * 0.99


def test_time_outs_count_as_the_slowest() -> None:
    figures = blocks(timeouts=2).figures

    assert figures["p95"][0] == TIMEOUT_SECONDS
    assert figures["p50"][0] == pytest.approx(0.1, rel=0.05)
    assert figures["avg"][0] == pytest.approx((20 * 0.1 + 2 * TIMEOUT_SECONDS) / 22)


@pytest.mark.parametrize("metric", ["avg", "p50", "p95"])
def test_a_slowdown_of_five_per_cent_shows_although_it_is_narrower_than_a_bucket(metric: str) -> None:
    before, after = (blocks(seconds_each=seconds).figures[metric][0] for seconds in (0.1, 0.105))

    assert after / before == pytest.approx(1.05, rel=0.001)


def test_seconds_without_an_answer_have_rates_and_no_times() -> None:
    step = a_step(duration="100s", virtualUsers=1)
    measured = blocks_of(step, StepAggregate(seconds=(a_second(0),), finished_pods=1), TIMEOUT_SECONDS)

    assert measured.figures["requests_per_second"] == (2.0, *(0.0,) * 9)
    assert len(measured.figures["p95"]) == 1


def test_without_any_second_on_record_there_is_no_block() -> None:
    step = a_step(duration="100s", virtualUsers=1)

    assert blocks_of(step, StepAggregate(finished_pods=1), TIMEOUT_SECONDS).figures == {}
