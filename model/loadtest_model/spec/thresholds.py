"""Bounds on what is measured: what decides the verdict, and what ends a test early."""

import re
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.spec.load import LONGEST_LOAD
from loadtest_model.spec.rules import Rule, cel_string, duration_range, rule_annotation
from loadtest_model.thresholds.bounds import EXPRESSION_PATTERN
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import DurationText, Value

MOST_THRESHOLDS: Final = 32


def _threshold_syntax(field: str) -> Rule[str]:
    return Rule(
        cel=f"self.matches({cel_string(EXPRESSION_PATTERN)})",
        message=f"{field}: write `metric < bound`, such as p95 < 20s, error_rate < 1% or records_per_second > 5000, or"
        f" heavy.p95 < 20s for one step; metrics are {', '.join(METRICS)}",
        holds=lambda text: re.search(EXPRESSION_PATTERN, text) is not None,
        reason=Reason.ThresholdInvalid,
    )


ThresholdText = Annotated[str, Meta(max_length=64), rule_annotation(_threshold_syntax("spec.thresholds"))]
AbortText = Annotated[str, Meta(max_length=64), rule_annotation(_threshold_syntax("spec.abort.thresholds"))]


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
