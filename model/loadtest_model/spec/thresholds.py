"""Bounds on what is measured: what decides the verdict, and what ends a test early."""

import re
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.spec.load import LONGEST_LOAD
from loadtest_model.spec.rules import Rule, cel_string, duration_range, rule_annotation
from loadtest_model.thresholds.metrics import METRICS, Unit
from loadtest_model.thresholds.mistakes import (
    COMPARABLE,
    FORM_PATTERN,
    LOWER_BOUND_ONLY,
    LOWER_ON_BASELINE,
    NOT_COMPARABLE_PATTERN,
    ON_BASELINE_PATTERN,
    OUT_OF_RANGE_PATTERN,
    TOLERANCE_PATTERN,
    UNIT_MISSING_PATTERN,
    UPPER_BOUND_ONLY,
    WRONG_DIRECTION_PATTERN,
    WRONG_UNIT_PATTERN,
)
from loadtest_model.values import DurationText, Value

MOST_THRESHOLDS: Final = 32
MOST_BASELINE_RUNS: Final = 20
DEFAULT_BASELINE_RUNS: Final = 5


def _names(unit: Unit) -> str:
    return ", ".join(name for name, metric in METRICS.items() if metric.unit == unit)


METRICS_BY_UNIT: Final = (
    f"Times, bounded from above with ms, s or m: {_names('seconds')}. Shares, as a number or with %:"
    f" {_names('ratio')}. Numbers: {_names('count')}."
)
"""What a threshold may bound, with the units, for `kubectl explain`."""


def _form_rule(field: str) -> Rule[str]:
    return Rule(
        cel=f"self.matches({cel_string(FORM_PATTERN)})",
        message=f"{field}: write `metric < bound`, such as p95 < 20s, error_rate < 1% or records_per_second > 5000, or"
        f" heavy.p95 < 20s for one step, or p95 < baseline + 10%; metrics are {', '.join(METRICS)}",
        holds=lambda text: re.search(FORM_PATTERN, text) is not None,
        reason=Reason.ThresholdInvalid,
    )


def _mistake_rule(pattern: str, message: str) -> Rule[str]:
    return Rule(
        cel=f"!self.matches({cel_string(pattern)})",
        message=message,
        holds=lambda text: re.search(pattern, text) is None,
        reason=Reason.ThresholdInvalid,
    )


def _threshold_rules(field: str, *further: Rule[str]) -> Meta:
    return rule_annotation(
        _form_rule(field),
        _mistake_rule(
            UNIT_MISSING_PATTERN, f"{field}: the unit is missing; write the time with ms, s or m, such as p95 < 20s"
        ),
        _mistake_rule(
            WRONG_UNIT_PATTERN,
            f"{field}: the unit does not fit the metric; times have ms, s or m, shares have % or none, and numbers have"
            " none",
        ),
        _mistake_rule(
            WRONG_DIRECTION_PATTERN,
            f"{field}: the direction is wrong; a threshold says what must hold, so write < or <= for times and for"
            f" {', '.join(UPPER_BOUND_ONLY)}, and > or >= for {', '.join(LOWER_BOUND_ONLY)}",
        ),
        _mistake_rule(
            OUT_OF_RANGE_PATTERN,
            f"{field}: no measurement can be within the bound, or none outside it; a share lies between 0 and 100%"
            " (5 means 500%), and nothing is below 0",
        ),
        *further,
    )


BASELINE_WORD: Final = "baseline"

_COMPARED_RULE: Final = _mistake_rule(
    NOT_COMPARABLE_PATTERN,
    f"spec.thresholds: earlier runs have only {', '.join(COMPARABLE)} on record for each block of seconds, so no other"
    " metric can be held against the baseline; take error_rate for success_rate, and a rate for a number",
)
_TOLERANCE_RULE: Final = Rule[str](
    cel=f"!self.matches({cel_string(ON_BASELINE_PATTERN)}) || self.matches({cel_string(TOLERANCE_PATTERN)})",
    message="spec.thresholds: a bound on the baseline names a tolerance in per cent towards the worse, such as"
    f" p95 < baseline + 10%, or records_per_second > baseline - 10% for {', '.join(LOWER_ON_BASELINE)}",
    holds=lambda text: re.search(ON_BASELINE_PATTERN, text) is None or re.search(TOLERANCE_PATTERN, text) is not None,
    reason=Reason.ThresholdInvalid,
)
_NO_BASELINE_RULE: Final = Rule[str](
    cel=f"!self.contains('{BASELINE_WORD}')",
    message="spec.abort.thresholds: runs are compared when they are over, so a bound on the baseline can end none; put"
    " it into spec.thresholds",
    holds=lambda text: BASELINE_WORD not in text,
    reason=Reason.ThresholdInvalid,
)

ThresholdText = Annotated[
    str, Meta(max_length=64), _threshold_rules("spec.thresholds", _COMPARED_RULE, _TOLERANCE_RULE)
]
AbortText = Annotated[str, Meta(max_length=64), _threshold_rules("spec.abort.thresholds", _NO_BASELINE_RULE)]


class BaselineRuns(Value, frozen=True, kw_only=True):
    """Which runs are the baseline."""

    runs: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST_BASELINE_RUNS,
            description="How many of the last Passed runs on record, of a like plan, are the baseline. If a threshold"
            " names it, their results are kept beyond spec.results.keep.",
        ),
    ] = DEFAULT_BASELINE_RUNS


class Abort(Value, frozen=True, kw_only=True):
    thresholds: Annotated[
        list[AbortText],
        Meta(
            min_length=1,
            max_length=MOST_THRESHOLDS,
            description="Bounds, written like spec.thresholds, of which each ends the test as soon as it is breached"
            " in three evaluations in a row. The error rate is that of the last 30 s. What only grows, such as"
            " accepted_records, can have no lower bound here. Required.",
        ),
    ]
    after: Annotated[
        DurationText,
        Meta(description="How long past a step's warm-up nothing is aborted."),
        rule_annotation(duration_range("spec.abort.after", "0s", LONGEST_LOAD)),
    ] = "30s"
