"""The thresholds of a run beside what was measured, and how people read a breach of one."""

from loadtest_model.measurement.aggregate import Aggregate, StepAggregate
from loadtest_model.plan import Plan, Step
from loadtest_model.quantities import seconds_text
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate_all, parse_threshold


def threshold_results(plan: Plan, aggregate: Aggregate) -> tuple[ThresholdResult, ...]:
    """Every threshold of every step beside its value, in the plan's order."""
    several = len(plan.steps) > 1
    results: list[ThresholdResult] = []
    for number, step in enumerate(plan.steps):
        seen = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
        window = judged_seconds(step, seen, plan.parallelism)
        results.extend(evaluate_all(step.thresholds, seen, window, step.name if several else ""))
    return tuple(results)


def judged_seconds(step: Step, aggregate: StepAggregate, pods: int) -> float:
    """The length of a step's judged load so far, after the warm-up; uploads that end while it drains count in it.

    A step that all pods finished counts in full. A load that is a number of records lasts until its last answer.
    """
    finished = pods and aggregate.finished_pods >= pods and step.records is None
    reached = step.duration_seconds if finished else min(step.duration_seconds, aggregate.load_seconds)
    return max(0.0, reached - step.warm_up_seconds)


def breach_text(result: ThresholdResult) -> str:
    """A breached threshold in a sentence, with what was measured."""
    where = f" in step {result.step}" if result.step else ""
    return f"threshold {result.expression} is breached{where}: measured {measured_text(result)}"


def measured_text(result: ThresholdResult) -> str:
    """A threshold's value as people read it: a time, a share in percent, a number."""
    if result.value is None:
        return "nothing"
    threshold = parse_threshold(result.expression)
    if threshold.is_of_time:
        return seconds_text(result.value)
    if threshold.metric in ("error_rate", "success_rate"):
        return f"{result.value:.2%}"
    return f"{result.value:,.0f}"
