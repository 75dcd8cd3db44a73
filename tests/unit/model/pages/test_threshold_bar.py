"""A threshold as a bar."""

from xml.etree import ElementTree as Xml

import pytest

from loadtest_model.pages.icons import Tone
from loadtest_model.pages.threshold_bar import bar_scale, bar_text, interval_text, threshold_bar
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from support.report_cases import COMPARED_RESULTS


def a_result(
    expression: str, value: float | None, low: float | None = None, high: float | None = None
) -> ThresholdResult:
    return ThresholdResult(expression=expression, value=value, passed=None, low=low, high=high)


def places(bar: Xml.Element, style: str) -> list[str]:
    return [each.attrib["x1"] for each in bar.iter("line") if each.attrib["class"] == style]


def scale_of(result: ThresholdResult) -> tuple[float, float, bool]:
    axis = bar_scale(parse_threshold(result.expression), result)
    return axis.scale.low, axis.scale.high, axis.is_from_zero


def test_the_bounds_of_a_list_stand_under_each_other() -> None:
    bars = [threshold_bar(a_result(each, 0.004, 0.004, 0.004), Tone.GOOD) for each in ("error_rate < 1%", "p95 < 20s")]

    assert [places(bar, "bound") for bar in bars] == [["75%"], ["75%"]]


def test_a_value_beyond_the_bound_has_room() -> None:
    low, high, is_from_zero = scale_of(a_result("p95 < 20s", 100.0, 90.0, 120.0))

    assert (low, is_from_zero) == (0.0, True)
    assert high >= 120.0


def test_a_share_that_must_be_high_is_shown_near_100_percent_and_not_as_a_length() -> None:
    result = a_result("success_rate > 99%", 0.996, 0.996, 0.996)
    low, high, is_from_zero = scale_of(result)

    assert low == pytest.approx(1 - 0.01 / 0.75)
    assert (high, is_from_zero) == (1.0, False)
    assert not [each for each in threshold_bar(result, Tone.GOOD).iter("rect") if each.attrib["class"] == "value"]


def test_the_interval_is_a_bracket_with_two_ends_or_an_arrow() -> None:
    bracket = threshold_bar(a_result("avg < 10s", 9.0, 8.0, 11.0), Tone.DOUBT)
    arrow = threshold_bar(a_result("avg < 10s", 9.0, 8.0), Tone.DOUBT)

    assert len(places(bracket, "interval")) == 3
    assert not list(bracket.iter("path"))
    assert len(places(arrow, "interval")) == 2
    assert len(list(arrow.iter("path"))) == 1


def test_an_interval_that_could_not_be_seen_is_not_drawn() -> None:
    assert places(threshold_bar(a_result("p95 < 20s", 0.3, 0.298, 0.3), Tone.GOOD), "interval") == []


def test_without_a_sample_there_is_a_bound_and_no_value() -> None:
    bar = threshold_bar(a_result("max < 60s", None), Tone.QUIET)

    assert places(bar, "bound") == ["75%"]
    assert places(bar, "value-mark") == []
    assert bar_text(a_result("max < 60s", None)) == "max < 60s: nothing was measured"


def test_a_bound_of_nothing_has_an_axis() -> None:
    assert scale_of(a_result("dropped <= 0", 0.0, 0.0, 0.0))[1] > 0


def test_the_bar_is_told_in_words() -> None:
    result = a_result("avg < 10s", 9.2, 8.1, 11.4)

    assert bar_text(result) == "avg < 10s: measured 9.200 s; the true value lies between 8.100 s and 11.400 s"
    assert interval_text(a_result("p99 < 30s", 24.1, 22.0)) == "at or above 22.000 s"
    assert interval_text(a_result("error_rate < 1%", 0.0, 0.0, 0.0)) == ""


def bands(bar: Xml.Element) -> list[tuple[float, float]]:
    rectangles = [each for each in bar.iter("rect") if each.attrib["class"] == "baseline"]
    return [tuple(float(each.attrib[name].rstrip("%")) for name in ("x", "width")) for each in rectangles]  # type: ignore[misc]


def test_a_bar_has_the_baseline_as_a_band_and_the_tolerance_as_its_bound() -> None:
    breached, _, _ = COMPARED_RESULTS
    bar = threshold_bar(breached, Tone.BAD)

    ((begin, width),) = bands(bar)
    (bound,) = (float(place.rstrip("%")) for place in places(bar, "bound"))
    assert bound / 0.362 == pytest.approx(begin / 0.320, rel=0.01)
    assert begin + width < bound
    assert "the baseline is 329 ms" in bar_text(breached)


def test_without_an_earlier_run_a_bar_has_neither_a_bound_nor_a_baseline() -> None:
    *_, not_compared = COMPARED_RESULTS
    bar = threshold_bar(not_compared, Tone.QUIET)

    assert (places(bar, "bound"), bands(bar)) == ([], [])
    assert len(places(bar, "value-mark")) == 1
