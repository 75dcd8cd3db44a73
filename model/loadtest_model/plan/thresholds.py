"""Bounds as the plan has them: read, and held against the steps that there are."""

from collections.abc import Sequence

from loadtest_model.plan.errors import PlanError
from loadtest_model.reasons import Reason
from loadtest_model.spec import Spec
from loadtest_model.thresholds.bounds import parse_thresholds
from loadtest_model.values import WireValue, seconds_of


class AbortPlan(WireValue, frozen=True, kw_only=True):
    """What ends a run before its time: each of the thresholds, once `after_seconds` past a step's warm-up are over."""

    thresholds: tuple[str, ...]
    after_seconds: float


def compile_abort(spec: Spec, steps: Sequence[str]) -> AbortPlan | None:
    """The abort of a spec. Raises PlanError for a bound that cannot be judged while the test runs."""
    if spec.abort is None:
        return None
    bounds = parse_thresholds(spec.abort.thresholds)
    for bound in bounds:
        if bound.waits_for_the_end:
            raise PlanError(
                Reason.ThresholdInvalid,
                f"spec.abort.thresholds: {bound.expression} can only be judged at the end, since {bound.metric} grows"
                " while the test runs; put it into spec.thresholds",
            )
    refuse_other_steps("spec.abort.thresholds", spec.abort.thresholds, steps)
    return AbortPlan(thresholds=tuple(bound.expression for bound in bounds), after_seconds=seconds_of(spec.abort.after))


def refuse_other_steps(field: str, expressions: Sequence[str], steps: Sequence[str]) -> None:
    """Raise PlanError for a bound on a step that the test does not have."""
    for expression, bound in zip(expressions, parse_thresholds(expressions), strict=True):
        if bound.step and bound.step not in steps:
            raise PlanError(
                Reason.ThresholdInvalid,
                f"{field}: {expression} is a bound on step {bound.step}, but the test has only {', '.join(steps)}",
            )
