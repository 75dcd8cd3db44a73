"""A threshold that cannot be meant is refused with the reason, and with no other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.reasons import Reason
from loadtest_model.spec.validation import broken_rules
from loadtest_model.thresholds.bounds import Threshold, parse_threshold
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.thresholds.mistakes import (
    FORM_PATTERN,
    OUT_OF_RANGE_PATTERN,
    UNIT_MISSING_PATTERN,
    WRONG_DIRECTION_PATTERN,
    WRONG_UNIT_PATTERN,
)
from support.builders import a_spec

OPERATORS = ("<", "<=", ">", ">=")
NUMBERS = st.decimals(min_value=0, max_value=2_000, places=3).map(str) | st.integers(0, 2_000).map(str)
EXPRESSIONS = st.builds(
    lambda step, metric, space, operator, number, unit: f"{step}{metric}{space}{operator}{space}{number}{unit}",
    st.sampled_from(("", "heavy.")),
    st.sampled_from(tuple(METRICS)),
    st.sampled_from(("", " ", "  ")),
    st.sampled_from(OPERATORS),
    NUMBERS,
    st.sampled_from(("", "ms", "s", "m", "%")),
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p95 < 20", "the unit is missing"),
        ("heavy.wait_max <= 1.5", "the unit is missing"),
        ("p95 < 20%", "the unit does not fit"),
        ("error_rate < 1s", "the unit does not fit"),
        ("accepted_records >= 1%", "the unit does not fit"),
        ("p95 > 20s", "the direction is wrong"),
        ("connect_avg >= 1ms", "the direction is wrong"),
        ("error_rate > 1%", "the direction is wrong"),
        ("timeouts >= 1", "the direction is wrong"),
        ("success_rate < 99%", "the direction is wrong"),
        ("error_rate < 5", "5 means 500%"),
        ("success_rate > 100%", "no measurement"),
        ("error_rate < 0%", "no measurement"),
        ("p99 < 0s", "no measurement"),
    ],
)
@pytest.mark.parametrize("field", ["thresholds", "abort"])
def test_what_cannot_be_meant_is_refused_with_its_reason_alone(field: str, text: str, reason: str) -> None:
    spec = a_spec(**{field: [text] if field == "thresholds" else {"thresholds": [text]}})

    (broken,) = broken_rules(spec)

    assert broken.rule.reason is Reason.ThresholdInvalid
    assert broken.message.startswith(f"spec.{'abort.' * (field == 'abort')}thresholds: ")
    assert reason in broken.message
    assert broken.message.endswith(f"it is {text!r}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("max < baseline + 10%", "no other metric can be held against the baseline"),
        ("heavy.accepted > baseline - 10%", "no other metric can be held against the baseline"),
        ("success_rate > baseline - 1%", "take error_rate for success_rate"),
        ("p95 < baseline", "names a tolerance in per cent"),
        ("p95 < baseline + 10", "names a tolerance in per cent"),
        ("p95 < baseline + 200ms", "names a tolerance in per cent"),
        ("p95 < baseline - 10%", "towards the worse"),
        ("p95 > baseline + 10%", "towards the worse"),
        ("records_per_second > baseline + 10%", "towards the worse"),
        ("records_per_second < baseline - 10%", "towards the worse"),
        ("records_per_second > baseline - 100%", "towards the worse"),
    ],
)
def test_a_bound_on_the_baseline_that_cannot_be_meant_is_refused_with_its_reason_alone(text: str, reason: str) -> None:
    (broken,) = broken_rules(a_spec(thresholds=[text]))

    assert broken.rule.reason is Reason.ThresholdInvalid
    assert reason in broken.message
    with pytest.raises(ValueError, match=r"baseline"):
        parse_threshold(text)


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("p95 < baseline + 10%", 0.1),
        ("heavy.p50<=baseline+2.5%", 0.025),
        ("records_per_second >= baseline - 99%", 0.99),
        ("error_rate < baseline + 0.5%", 0.005),
    ],
)
def test_a_bound_on_the_baseline_has_a_tolerance_and_stands_in_thresholds_alone(text: str, tolerance: float) -> None:
    assert broken_rules(a_spec(thresholds=[text])) == ()
    assert parse_threshold(text).tolerance == pytest.approx(tolerance)
    (in_abort,) = broken_rules(a_spec(abort={"thresholds": [text]}))
    (in_climb,) = broken_rules(a_spec(scenario="capacity", thresholds=[text]))
    assert "put it into spec.thresholds" in in_abort.message
    assert "scenario capacity cannot name the baseline" in in_climb.message


@pytest.mark.parametrize(
    "text",
    ["rejected > 0", "records_per_second < 100", "accepted < 10", "dropped <= 0", "error_rate <= 0%", "max < 1m"],
)
def test_what_a_test_of_a_limiter_or_a_strict_one_may_mean_is_taken(text: str) -> None:
    assert broken_rules(a_spec(thresholds=[text])) == ()


@given(EXPRESSIONS)
def test_what_has_the_form_and_a_fitting_unit_can_be_read_and_nothing_else(text: str) -> None:
    assert re.search(FORM_PATTERN, text)
    has_wrong_unit = any(re.search(pattern, text) for pattern in (UNIT_MISSING_PATTERN, WRONG_UNIT_PATTERN))

    try:
        parse_threshold(text)
        is_readable = True
    except ValueError:
        is_readable = False

    assert is_readable is not has_wrong_unit


@given(EXPRESSIONS)
def test_some_measurement_is_within_every_bound_that_is_taken_and_one_out_of_range_divides_none(text: str) -> None:
    patterns = (UNIT_MISSING_PATTERN, WRONG_UNIT_PATTERN, WRONG_DIRECTION_PATTERN)
    if any(re.search(pattern, text) for pattern in patterns):
        return
    threshold = parse_threshold(text)

    outcomes = {threshold.holds(value) for value in possible_values(threshold)}

    if re.search(OUT_OF_RANGE_PATTERN, text):
        assert len(outcomes) == 1
    else:
        assert True in outcomes


def possible_values(threshold: Threshold) -> list[float]:
    """Measurements on both sides of a bound, as far as there can be any."""
    bound = threshold.bound
    if METRICS[threshold.metric].unit == "ratio":
        return [value for value in (0.0, bound / 2, bound, (bound + 1) / 2, 1.0) if value <= 1]
    return [0.0, bound / 2, bound, bound + 1]
