"""Laws of the sketch: merging is order-free and loses nothing, quantiles are right within the stated error."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.measurement.sketch import (
    RELATIVE_ERROR,
    Sketch,
    SketchBuilder,
    merged_sketch,
    nearest_rank,
    sketch_of,
)

durations = st.one_of(
    st.integers(0, 2_000),
    st.integers(1_000, 200_000_000_000_000),
    st.sampled_from([999, 1_000, 1_001, 10**14, 10**14 + 1, 10**9, 120 * 10**9]),
)
samples = st.lists(durations, max_size=120)
within_range = st.lists(st.integers(2_000, 10**14), min_size=1, max_size=300)
coarse = st.integers(0, 3)


@given(samples, samples, samples, coarse, coarse, coarse)
def test_merging_is_associative_and_commutative(
    one: list[int], two: list[int], three: list[int], a: int, b: int, c: int
) -> None:
    first, second, third = sketch_of(one).coarsen(a), sketch_of(two).coarsen(b), sketch_of(three).coarsen(c)

    assert first.merge(second) == second.merge(first)
    assert first.merge(second).merge(third) == first.merge(second.merge(third))


@given(samples)
def test_the_empty_sketch_changes_nothing(values: list[int]) -> None:
    sketch = sketch_of(values)

    assert sketch.merge(Sketch()) == sketch
    assert Sketch().merge(sketch) == sketch


@given(samples, samples)
def test_a_merged_sketch_is_the_sketch_of_all_samples(one: list[int], two: list[int]) -> None:
    assert sketch_of(one).merge(sketch_of(two)) == sketch_of([*one, *two])


@given(samples)
def test_count_sum_and_extremes_are_exact(values: list[int]) -> None:
    sketch = sketch_of(values)

    assert sketch.count == len(values)
    assert sketch.sum_nanoseconds == sum(values)
    assert sketch.min_nanoseconds == min(values, default=None)
    assert sketch.max_nanoseconds == max(values, default=None)
    assert sketch.count == sketch.underflow + sketch.overflow + sum(sketch.buckets.values())


@given(within_range, st.floats(0.01, 1.0), coarse)
def test_quantiles_lie_within_the_stated_error_of_the_nearest_rank(
    values: list[int], quantile: float, coarseness: int
) -> None:
    sketch = sketch_of(values).coarsen(coarseness)
    exact = sorted(values)[nearest_rank(quantile, len(values)) - 1] / 1e9

    estimate = sketch.quantile_seconds(quantile)

    assert estimate is not None
    assert abs(estimate - exact) <= exact * sketch.relative_error * (1 + 1e-9)


@given(st.integers(1, 9_999), st.integers(1, 10**12))
def test_the_rank_of_a_quantile_is_that_of_its_decimal_for_any_number_of_samples(permyriad: int, count: int) -> None:
    assert nearest_rank(permyriad / 10_000, count) == math.ceil(Fraction(permyriad, 10_000) * count)


def test_the_finest_sketch_is_within_one_per_cent() -> None:
    assert sketch_of([1]).relative_error <= RELATIVE_ERROR + 1e-12


@given(st.lists(durations, min_size=1, max_size=40), st.integers(1, 2_000))
def test_however_often_a_builder_is_looked_at_it_holds_the_sketch_of_all_that_was_added(
    values: list[int], look_every: int
) -> None:
    builder, added = SketchBuilder(), (values * 80)[:1_500]
    for number, value in enumerate(added, 1):
        builder.add(value)
        if number % look_every == 0:
            builder.snapshot()

    assert builder.snapshot() == merged_sketch([sketch_of([value]) for value in added])
