"""Laws of a second's coarse times: they add up exactly in any order, and their quantiles are within the error."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.measurement.coarse_times import (
    COARSE_ERROR,
    COARSE_WIDTH,
    CoarseTimes,
    bucket_of,
    buckets_of,
    coarse_count,
    coarse_quantile_seconds,
    coarse_times,
    merged_coarse_times,
)
from loadtest_model.measurement.sketch import nearest_rank

SECOND = 1_000_000_000
durations = st.lists(st.integers(1_000, 100_000 * SECOND), max_size=30)
quantiles = st.sampled_from((0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0))


def times_of(nanoseconds: list[int]) -> CoarseTimes:
    buckets: dict[int, int] = {}
    for each in nanoseconds:
        bucket = bucket_of(each)
        buckets[bucket] = buckets.get(bucket, 0) + 1
    return coarse_times(buckets)


@given(durations, durations, durations)
def test_coarse_times_merge_in_any_order_and_lose_nothing(one: list[int], two: list[int], three: list[int]) -> None:
    first, second, third = times_of(one), times_of(two), times_of(three)

    merged = merged_coarse_times([merged_coarse_times([first, second]), third])

    assert merged == merged_coarse_times([first, merged_coarse_times([second, third])])
    assert merged == merged_coarse_times([third, first, second]) == times_of([*three, *one, *two])
    assert merged_coarse_times([first, ()]) == first
    assert coarse_count(merged) == len(one) + len(two) + len(three)


@given(st.dictionaries(st.integers(-400, 400), st.integers(1, 10**6), max_size=20))
def test_what_is_written_is_read_back(buckets: dict[int, int]) -> None:
    assert buckets_of(coarse_times(buckets)) == buckets
    assert coarse_times(buckets_of(coarse_times(buckets))) == coarse_times(buckets)


@given(durations.filter(bool), durations, quantiles)
def test_a_quantile_over_several_pods_is_within_the_error_of_the_exact_one(
    one: list[int], two: list[int], quantile: float
) -> None:
    values = sorted([*one, *two])
    exact_seconds = values[nearest_rank(quantile, len(values)) - 1] / SECOND

    seconds = coarse_quantile_seconds(merged_coarse_times([times_of(one), times_of(two)]), quantile)

    assert seconds is not None
    assert abs(seconds - exact_seconds) <= COARSE_ERROR * exact_seconds * (1 + 1e-9)
    assert COARSE_ERROR < 0.0401


def test_there_is_no_quantile_of_nothing_and_what_no_bucket_holds_is_counted() -> None:
    assert coarse_quantile_seconds((), 0.95) is None
    assert coarse_count(times_of([-5, 0, 10**18])) == 3


@given(st.lists(st.integers(SECOND, 3 * SECOND // 2), min_size=1, max_size=60))
def test_a_95th_percentile_is_below_the_average_only_if_the_exact_one_is(nanoseconds: list[int]) -> None:
    values = sorted(nanoseconds)
    exact_seconds = values[nearest_rank(0.95, len(values)) - 1] / SECOND
    average_seconds = sum(values) / len(values) / SECOND

    seconds = coarse_quantile_seconds(times_of(values), 0.95, average_seconds)

    assert seconds is not None
    assert abs(seconds - exact_seconds) <= COARSE_WIDTH * exact_seconds * (1 + 1e-9)
    assert seconds >= average_seconds or exact_seconds < average_seconds


@given(st.lists(st.integers(SECOND, 3 * SECOND // 2), min_size=1, max_size=60), quantiles)
def test_no_quantile_is_above_the_greatest_duration_and_none_is_further_off_than_a_bucket_is_wide(
    nanoseconds: list[int], quantile: float
) -> None:
    values = sorted(nanoseconds)
    exact_seconds = values[nearest_rank(quantile, len(values)) - 1] / SECOND
    average_seconds = sum(values) / len(values) / SECOND

    seconds = coarse_quantile_seconds(times_of(values), quantile, average_seconds, values[-1] / SECOND)

    assert seconds is not None
    assert seconds <= values[-1] / SECOND * (1 + 1e-9)
    assert abs(seconds - exact_seconds) <= COARSE_WIDTH * exact_seconds * (1 + 1e-9)


def test_a_greatest_duration_that_lies_below_the_quantiles_bucket_is_not_theirs_and_cuts_nothing() -> None:
    times = times_of([SECOND])

    assert coarse_quantile_seconds(times, 0.95, None, 0.5) == coarse_quantile_seconds(times, 0.95)
