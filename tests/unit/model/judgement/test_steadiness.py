"""Whether a plateau keeps its level, and how many of its uploads tell something of their own."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.judgement.plateaus import Plateau
from loadtest_model.judgement.steadiness import rising_times, uploads_per_independent_one
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.values import NANOSECONDS

PLATEAU = Plateau(segment=0, first=0, end=30, level=10.0, unit="uploads/s due")


def answered(times: list[list[float]]) -> tuple[tuple[Second, ...], Sketch]:
    """The seconds in which uploads with these times were answered, and the times of them all."""
    seconds = tuple(
        Second(
            second=number,
            counts=Counts(),
            virtual_users=0,
            ended=len(own),
            answers=len(own),
            response_nanoseconds_sum=int(sum(own) * NANOSECONDS),
        )
        for number, own in enumerate(times)
    )
    return seconds, sketch_of([int(time * NANOSECONDS) for own in times for time in own])


def test_independent_times_count_nearly_in_full() -> None:
    random = Random(1)
    shares = [
        uploads_per_independent_one(
            PLATEAU, *answered([[random.expovariate(2.0) for _ in range(10)] for _ in range(30)])
        )
        for _ in range(50)
    ]

    assert 1.0 <= sum(shares) / len(shares) < 1.6


def test_times_that_wander_count_for_few() -> None:
    wandering = [[(1.0 if second // 10 == 1 else 0.5) + 0.01 * upload for upload in range(10)] for second in range(30)]

    assert uploads_per_independent_one(PLATEAU, *answered(wandering)) > 50


@pytest.mark.parametrize("times", [[], [[1.0]] * 30, [[0.5, 1.0]] * 2])
def test_too_little_to_compare_counts_in_full(times: list[list[float]]) -> None:
    assert uploads_per_independent_one(PLATEAU, *answered(times)) == 1.0


@given(st.lists(st.lists(st.floats(0.001, 100.0), max_size=5), max_size=30))
def test_an_upload_never_counts_for_more_than_itself(times: list[list[float]]) -> None:
    assert uploads_per_independent_one(PLATEAU, *answered(times)) >= 1.0


def test_times_that_grow_on_a_plateau_are_named_and_others_are_not() -> None:
    growing, _ = answered([[0.5 + 0.1 * second] * 10 for second in range(30)])
    level, _ = answered([[0.5] * 10] * 30)

    assert rising_times(PLATEAU, growing, 0.5, Sketch()) == (
        "response time rises at constant load of 10 uploads/s due: 950 ms to 2.950 s"
    )
    assert not rising_times(PLATEAU, level, 0.5, Sketch())
