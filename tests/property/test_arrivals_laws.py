"""Laws of the open model's schedule: exact for every profile, and the same whoever computes it."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.load.arrivals import (
    ArrivalProcess,
    Arrivals,
    Draw,
    RateSegment,
    due_seconds,
    expected_arrivals,
    rate_profile,
)

rates = st.floats(0, 50).map(lambda rate: 0.0 if rate < 0.01 else rate)
stages = st.lists(st.tuples(st.integers(0, 20).map(float), rates), min_size=1, max_size=5)
processes = st.sampled_from(["constant", "poisson"])


def drawing(seed: str) -> Draw:
    return Random(seed).random


def arrivals(points: list[tuple[float, float]], process: ArrivalProcess = "constant") -> Arrivals:
    return Arrivals(process=process, rates=rate_profile(points), max_lateness_seconds=10.0)


def arrivals_until(rates: tuple[RateSegment, ...], at: float) -> float:
    """The integral of the rate, straight from its definition."""
    total = begin = 0.0
    for segment in rates:
        seconds_within = min(max(0.0, at - begin), segment.duration_seconds)
        rate = segment.first_per_second + (segment.last_per_second - segment.first_per_second) * (
            seconds_within / segment.duration_seconds
        )
        total += seconds_within * (segment.first_per_second + rate) / 2
        begin += segment.duration_seconds
    return total


@given(stages)
def test_a_constant_arrival_is_due_just_when_the_integral_of_the_rate_reaches_its_number(
    points: list[tuple[float, float]],
) -> None:
    schedule = arrivals(points)

    for number, instant in enumerate(due_seconds(schedule, drawing("s"))):
        assert math.isclose(arrivals_until(schedule.rates, instant), number, abs_tol=1e-6)


@given(stages)
def test_a_constant_schedule_has_as_many_arrivals_as_its_profile_says(points: list[tuple[float, float]]) -> None:
    schedule = arrivals(points)

    assert sum(1 for _ in due_seconds(schedule, drawing("s"))) == expected_arrivals(schedule.rates)


@given(stages, processes)
def test_arrivals_come_in_order_and_within_the_profile(
    points: list[tuple[float, float]], process: ArrivalProcess
) -> None:
    due = list(due_seconds(arrivals(points, process), drawing("s")))

    assert due == sorted(due)
    assert all(0 <= instant <= sum(seconds for seconds, _ in points) for instant in due)


@given(stages, processes, st.integers(1, 7))
def test_the_pods_parts_are_the_fleets_schedule_dealt_out_in_turn(
    points: list[tuple[float, float]], process: ArrivalProcess, pods: int
) -> None:
    schedule = arrivals(points, process)
    fleet = list(due_seconds(schedule, drawing("s")))

    parts = [list(due_seconds(schedule, drawing("s"), index, pods)) for index in range(pods)]

    assert parts == [fleet[index::pods] for index in range(pods)]


@given(st.floats(5, 50), st.text(max_size=5))
def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential(rate: float, seed: str) -> None:
    schedule = arrivals([(0.0, rate), (5_000 / rate, rate)], "poisson")
    due = list(due_seconds(schedule, drawing(seed)))

    gaps = [later - earlier for earlier, later in pairwise([0.0, *due])]

    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert abs(mean * rate - 1) < 0.1
    assert abs(deviation * rate - 1) < 0.15


def test_another_seed_gives_other_poisson_arrivals_and_the_same_seed_the_same() -> None:
    schedule = arrivals([(0.0, 5.0), (20.0, 5.0)], "poisson")

    assert (
        list(due_seconds(schedule, drawing("1")))
        == list(due_seconds(schedule, drawing("1")))
        != list(due_seconds(schedule, drawing("2")))
    )


def test_a_plateau_spaces_its_arrivals_evenly_from_its_start() -> None:
    assert list(due_seconds(arrivals([(0.0, 4.0), (1.0, 4.0)]), drawing("s"))) == [0.0, 0.25, 0.5, 0.75]


def test_a_ramp_from_nothing_brings_arrival_k_after_the_root_of_k() -> None:
    due = list(due_seconds(arrivals([(10.0, 2.0)]), drawing("s")))

    assert due == pytest.approx([math.sqrt(10.0 * number) for number in range(10)])
