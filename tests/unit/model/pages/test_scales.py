"""Axes and their marks."""

import pytest

from loadtest_model.pages.scales import (
    Scale,
    decades,
    percentile_scale,
    percentile_text,
    scale_to,
    time_mark,
    time_marks,
)


@pytest.mark.parametrize("greatest", [0.003, 0.36, 1.0, 7.4, 69_167.0, 1e9])
def test_an_axis_has_room_for_the_greatest_value_and_round_marks(greatest: float) -> None:
    scale, marks = scale_to(greatest, intervals=3)

    assert marks[0] == scale.low == 0
    assert marks[-1] == pytest.approx(scale.high)
    assert scale.high >= greatest
    assert scale.high <= 2 * greatest


def test_an_axis_without_a_value_has_one_mark() -> None:
    assert scale_to(0.0) == scale_to(5e-324) == (Scale(0.0, 1.0), (0.0,))


def test_a_value_never_leaves_its_axis() -> None:
    scale = Scale(0.0, 10.0)

    assert [scale.share(value) for value in (-1.0, 0.0, 5.0, 10.0, 99.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert Scale(1.0, 1.0).share(1.0) == 0.0


def test_on_a_logarithmic_axis_each_power_of_ten_has_the_same_length() -> None:
    scale, marks = decades(0.02, 5.0)

    assert marks == (0.01, 0.1, 1.0, 10.0)
    assert [scale.share(mark) for mark in marks] == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])


@pytest.mark.parametrize("seconds", [1.0, 24.0, 120.0, 3_600.0, 86_400.0, 30 * 86_400.0])
def test_a_time_axis_has_few_marks(seconds: float) -> None:
    marks = time_marks(seconds)

    assert marks[0] == 0
    assert 2 <= len(marks) <= 7
    assert marks[-1] <= seconds


def test_each_further_nine_has_the_same_length() -> None:
    scale = percentile_scale(0.999)
    p0, p90, p99, p999 = (scale.share(quantile) for quantile in (0.0, 0.9, 0.99, 0.999))

    assert p0 == 0
    assert p99 - p90 == pytest.approx(p90) == pytest.approx(p999 - p99)
    assert scale.share(1.0) == 1.0
    assert p999 < 0.95
    assert scale.marks == (0.0, 0.5, 0.9, 0.99, 0.999)


def test_quantiles_and_times_are_named_as_people_do() -> None:
    assert [percentile_text(quantile) for quantile in (0.0, 0.5, 0.999, 1.0)] == ["min", "p50", "p99.9", "max"]
    assert [time_mark(seconds) for seconds in (0.0, 0.15, 1.5, 1_000.0)] == ["0", "150 ms", "1.5 s", "1,000 s"]
