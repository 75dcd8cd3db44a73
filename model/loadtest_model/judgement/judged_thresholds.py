"""The thresholds of a run beside what was measured, and how people read a breach of one."""

from collections.abc import Sequence

from msgspec import structs

from loadtest_model.baseline.blocks import blocks_of
from loadtest_model.baseline.comparing import compare_with_baseline, doubt_factors
from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.judgement.climb import JudgedPlateau, judged_plateaus, shown_plateau
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, Step
from loadtest_model.plan.climb import Climb, load_text
from loadtest_model.quantities import count_text
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate_all, parse_threshold
from loadtest_model.thresholds.metrics import metric_value_text


def threshold_results(
    plan: Plan, aggregate: Aggregate, baseline: Baseline | None = None
) -> tuple[ThresholdResult, ...]:
    """Every threshold of every step beside its value, in the plan's order.

    Those of a climb are of one plateau, see `shown_plateau`. `baseline` is None of a run that is not over.
    """
    has_several_steps = len(plan.steps) > 1
    results: list[ThresholdResult] = []
    for number, step in enumerate(plan.steps):
        step_aggregate = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
        if step.climb is not None:
            plateau = shown_plateau(judged_plateaus(step, step_aggregate, plan.parallelism))
            results.extend(
                _results_at(plateau, step.climb)
                if plateau is not None
                else evaluate_all(step.thresholds, StepAggregate(), 0.0)
            )
            continue
        window = judged_seconds(step, step_aggregate, plan.parallelism)
        name = step.name if has_several_steps else ""
        evaluated = evaluate_all(step.thresholds, step_aggregate, window, name)
        if baseline is None or not any(result.baseline for result in evaluated):
            results.extend(evaluated)
            continue
        blocks = blocks_of(step, step_aggregate, plan.target.timeout_seconds)
        for result in evaluated:
            threshold = parse_threshold(result.expression)
            if threshold.tolerance is None:
                results.append(result)
                continue
            doubt = doubt_factors(threshold, step_aggregate, window)
            results.append(compare_with_baseline(threshold, blocks, baseline, doubt, name, step.name))
    return tuple(results)


def _results_at(plateau: JudgedPlateau, climb: Climb) -> tuple[ThresholdResult, ...]:
    """The thresholds of a plateau, which say where on the climb they were judged."""
    place = f"at {load_text(plateau.level, climb.by)}"
    return tuple(
        structs.replace(result, note=f"{place}; {result.note}" if result.note else place)
        for result in plateau.thresholds
    )


def judged_seconds(step: Step, aggregate: StepAggregate, pods: int) -> float:
    """The length of a step's judged load so far, after the warm-up; uploads that end while it drains count in it.

    A step that all pods finished counts in full. A load that is a number of records lasts until its last answer.
    """
    is_finished = pods and aggregate.finished_pods >= pods and step.records is None
    load_seconds = step.duration_seconds if is_finished else min(step.duration_seconds, aggregate.load_seconds)
    return max(0.0, load_seconds - step.warm_up_seconds)


def breach_text(result: ThresholdResult) -> str:
    """A breached threshold in a sentence, with what was measured."""
    step_clause = f" in step {result.step}" if result.step else ""
    measured = f"{measured_text(result)}{_comparison_clause(result)}"
    return f"threshold {result.expression} is breached{step_clause}: measured {measured}"


def doubt_text(result: ThresholdResult) -> str:
    """A threshold in doubt in a sentence, with what was measured and between which values the truth lies."""
    step_clause = f" in step {result.step}" if result.step else ""
    high = "any value" if result.high is None else threshold_value_text(result.expression, result.high)
    bounds_text = f"{threshold_value_text(result.expression, result.low)} and {high}"
    if result.censored:
        end = "was cut before it ended" if result.censored == 1 else "were cut before they ended"
        return (
            f"threshold {result.expression} is in doubt{step_clause}: measured {measured_text(result)}, but"
            f" {count_text(result.censored, 'upload')} {end}, so the truth lies between {bounds_text}"
        )
    return (
        f"threshold {result.expression} is in doubt{step_clause}: measured {measured_text(result)}"
        f"{_comparison_clause(result)}, and with what the generator itself may have added or held back the truth lies"
        f" between {bounds_text}"
    )


def _comparison_clause(result: ThresholdResult) -> str:
    return f", {result.note}" if result.baseline else ""


def not_compared_text(results: Sequence[ThresholdResult]) -> str:
    """Which thresholds had no run to compare with, and why; empty if there are none."""
    expressions = dict.fromkeys(result.expression for result in results if result.lacks_comparison)
    note = next((result.note for result in results if result.lacks_comparison), "")
    return f"{', '.join(expressions)} {'was' if len(expressions) == 1 else 'were'} not compared: {note}" if note else ""


def measured_text(result: ThresholdResult) -> str:
    """A threshold's value as people read it: a time, a share in percent, a number."""
    return threshold_value_text(result.expression, result.value)


def threshold_value_text(expression: str, value: float | None) -> str:
    """A value of a threshold's metric as people read it; `nothing` where there is none."""
    if value is None:
        return "nothing"
    return metric_value_text(parse_threshold(expression).metric, value)
