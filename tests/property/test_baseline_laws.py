"""Laws of comparing a run with earlier ones."""

from itertools import product
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest_model.baseline.resampling import Change, change_between, median_distribution
from loadtest_model.measurement.coarse_times import (
    COARSE_WIDTH,
    bucket_of,
    coarse_times,
    interpolated_seconds,
)

FIGURES = st.lists(st.floats(0.001, 100.0), min_size=5, max_size=20).map(tuple)
RUNS = st.lists(FIGURES, min_size=1, max_size=5)
DURATIONS = st.lists(st.integers(2_000, 10**13), min_size=1, max_size=60)


def change(blocks: tuple[float, ...], earlier: list[tuple[float, ...]]) -> Change:
    return change_between(blocks, earlier, "median", is_share=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_distribution_of_medians_is_that_of_all_samples_there_can_be(count: int) -> None:
    values = range(count)
    samples = [sorted(sample) for sample in product(values, repeat=count)]
    # Of an even number, the median is either of the two in the middle.
    middles = [sample[index] for sample in samples for index in {(count - 1) // 2, count // 2}]

    shares = [sum(middle <= value for middle in middles) / len(middles) for value in values]

    assert median_distribution(count) == pytest.approx(shares)


@given(FIGURES, RUNS)
@settings(max_examples=30)
def test_the_same_measurements_always_have_the_same_interval(
    blocks: tuple[float, ...], earlier: list[tuple[float, ...]]
) -> None:
    assert change(blocks, earlier) == change(blocks, earlier)


@given(FIGURES, RUNS, st.floats(0.1, 10.0))
@settings(max_examples=30)
def test_a_change_does_not_depend_on_the_unit(
    blocks: tuple[float, ...], earlier: list[tuple[float, ...]], factor: float
) -> None:
    scaled = change(
        tuple(value * factor for value in blocks), [tuple(value * factor for value in run) for run in earlier]
    )

    assert scaled.change_range == pytest.approx(change(blocks, earlier).change_range)


@given(FIGURES, RUNS, st.floats(1.0, 3.0))
@settings(max_examples=30)
def test_a_run_that_is_slower_by_a_factor_has_an_interval_that_is_higher_by_it(
    blocks: tuple[float, ...], earlier: list[tuple[float, ...]], factor: float
) -> None:
    before, after = change(blocks, earlier), change(tuple(value * factor for value in blocks), earlier)

    assert 1 + after.change_range.low == pytest.approx((1 + before.change_range.low) * factor)
    assert 1 + after.change_range.high == pytest.approx((1 + before.change_range.high) * factor)


@given(st.floats(0.001, 100.0), st.floats(0.001, 100.0), st.integers(5, 30), st.integers(1, 5))
def test_measurements_without_any_chance_have_an_interval_of_one_point(
    value: float, before: float, blocks: int, runs: int
) -> None:
    result = change((value,) * blocks, [(before,) * blocks] * runs)

    assert result.change_range.low == pytest.approx(value / before - 1)
    assert result.change_range.high == pytest.approx(value / before - 1)
    assert (result.value, result.baseline) == (value, before)


@given(FIGURES)
@settings(max_examples=30)
def test_a_run_against_itself_may_have_changed_by_nothing(blocks: tuple[float, ...]) -> None:
    low, high = change(blocks, [blocks]).change_range

    assert low <= 0 <= high
    assert change(blocks, [blocks]).value == median(blocks)


@given(DURATIONS, st.data())
def test_an_interpolated_duration_lies_within_two_widths_of_a_bucket_of_the_true_one(
    nanoseconds: list[int], data: st.DataObject
) -> None:
    rank = data.draw(st.integers(1, len(nanoseconds)))
    buckets: dict[int, int] = {}
    for each in nanoseconds:
        buckets[bucket_of(each)] = buckets.get(bucket_of(each), 0) + 1

    seconds = interpolated_seconds(coarse_times(buckets), rank, sum(nanoseconds) / 1e9)

    assert seconds == pytest.approx(sorted(nanoseconds)[rank - 1] / 1e9, rel=2 * COARSE_WIDTH)


@given(st.integers(10_000, 10**12), st.integers(1, 50), st.floats(1.0, 1.5))
def test_equal_durations_that_all_grow_by_a_factor_have_estimates_that_grow_by_it(
    nanoseconds: int, count: int, factor: float
) -> None:
    def estimate(each: int) -> float:
        return interpolated_seconds(coarse_times({bucket_of(each): count}), count, count * each / 1e9)

    slower = int(nanoseconds * factor)

    assert estimate(slower) / estimate(nanoseconds) == pytest.approx(slower / nanoseconds)


# The least that a block of an hour can have is one upload.
rates = st.lists(st.just(0.0) | st.floats(1 / 3600, 1_000), min_size=5, max_size=20)


@given(rates, st.lists(rates.filter(any), min_size=1, max_size=4))
@settings(max_examples=50)
def test_rates_that_stall_have_an_interval_of_changes_that_can_be(
    blocks: list[float], earlier: list[list[float]]
) -> None:
    low, high = change_between(blocks, earlier, "mean", is_share=False).change_range

    assert -1 <= low <= high < float("inf")
