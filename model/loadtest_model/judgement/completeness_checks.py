"""The checks of a verdict on what is missing of a run, and which steps and times lack it."""

from typing import Final

from loadtest_model.judgement.evidence import Evidence, Finding
from loadtest_model.judgement.safety_checks import counted_violations
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.missing import uploads_without_time
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.reasons import Reason
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from loadtest_model.thresholds.metrics import METRICS

_PARTS: Final = ("connect_", "upload_", "wait_")
"""The metrics of an upload's parts are exact, and no last word leaves them out."""


def gaps(evidence: Evidence) -> list[Finding]:
    return [Finding(Verdict.INCONCLUSIVE, gap.reason, gap.message) for gap in evidence.facts.gaps]


def unfinished_steps(evidence: Evidence) -> list[Finding]:
    """Steps whose load did not run to its end in every pod, although nothing else explains that."""
    facts = evidence.facts
    is_explained = (
        facts.climb_ended
        or facts.gaps
        or facts.recorded_failures
        or facts.refusal is not None
        or facts.aggregate.violations
    )
    if is_explained or counted_violations(evidence) or records_not_sent(evidence):
        return []
    pods, steps = facts.plan.parallelism, facts.aggregate.steps
    findings = []
    for number, step in enumerate(facts.plan.steps):
        finished_pods = steps[number].finished_pods if number < len(steps) else 0
        if finished_pods < pods:
            text = (
                f"the load of step {step.name} ran to its end in {finished_pods} of {pods} pods, and nothing tells why;"
                " run it again"
            )
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.LoadUnfinished, text))
    return findings


def records_not_sent(evidence: Evidence) -> list[Finding]:
    """A load that is a number of records and ended before the last of them was due."""
    findings = []
    for step, aggregate in zip(evidence.facts.plan.steps, evidence.facts.aggregate.steps, strict=False):
        if step.uploads is not None and aggregate.total.due < step.uploads:
            text = (
                f"step {step.name} came to {aggregate.total.due} of the {step.uploads} uploads that {step.records}"
                " records take before its load ended"
            )
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.RecordsNotSent, text))
    return findings


def incomplete_steps(evidence: Evidence) -> frozenset[str]:
    """The steps of which something is missing, by the names that threshold results have for them.

    A step that all pods finished is whole, whatever became of a later one.
    """
    facts = evidence.facts
    is_incomplete = facts.gaps or records_not_sent(evidence) or unfinished_steps(evidence)
    if not (is_incomplete or is_limit_incomplete(evidence)):
        return frozenset()
    several = len(facts.plan.steps) > 1
    steps = facts.aggregate.steps
    return frozenset(
        step.name if several else ""
        for number, step in enumerate(facts.plan.steps)
        if number >= len(steps)
        or steps[number].finished_pods < facts.plan.parallelism
        or (step.uploads is not None and steps[number].total.due < step.uploads)
    )


def is_limit_incomplete(evidence: Evidence) -> bool:
    """Whether the plateau that ended a climb lacks what some pods measured on it."""
    limiting = evidence.capacity.limiting if evidence.capacity else None
    return limiting is not None and limiting.aggregate.finished_pods < evidence.facts.plan.parallelism


def missing_times(evidence: Evidence) -> list[Finding]:
    """Thresholds on times of which some are missing: a last word had no room for them, and no operator read them."""
    unjudged = [result for result in evidence.thresholds if result in lacking_times(evidence)]
    findings = []
    for step in dict.fromkeys(result.step for result in unjudged):
        expressions = ", ".join(result.expression for result in unjudged if result.step == step)
        clause = f" of step {step}" if step else ""
        text = (
            f"{expressions} cannot be judged: times of uploads{clause} are missing, because the pods' last words had no"
            " room for them and no operator read them before the pods ended; run it again"
        )
        findings.append(Finding(Verdict.INCONCLUSIVE, Reason.ResultsMissing, text))
    return findings


def unread_baseline(evidence: Evidence) -> list[Finding]:
    """Thresholds on earlier runs that nobody could read."""
    baseline = evidence.facts.baseline
    expressions = [result.expression for result in evidence.thresholds if result.lacks_comparison]
    if baseline is None or not baseline.problem or not expressions:
        return []
    text = f"{', '.join(dict.fromkeys(expressions))} cannot be judged: {baseline.problem}"
    return [Finding(Verdict.INCONCLUSIVE, Reason.ResultsMissing, text)]


def lacking_times(evidence: Evidence) -> list[ThresholdResult]:
    """The thresholds on times of which some are missing."""
    several = len(evidence.facts.plan.steps) > 1
    steps = {
        step.name if several else "": aggregate
        for step, aggregate in zip(evidence.facts.plan.steps, evidence.facts.aggregate.steps, strict=False)
    }
    return [
        result for result in evidence.thresholds if result.step in steps and _lacks_times(result, steps[result.step])
    ]


def _lacks_times(result: ThresholdResult, step: StepAggregate) -> bool:
    if result.baseline is not None and step.total.due and not step.seconds:
        # Blocks are made of seconds, which a last word does not have.
        return True
    return lacks_times(parse_threshold(result.expression).metric, step)


def lacks_times(metric: str, step: StepAggregate) -> bool:
    """Whether times are missing of those that a metric is read from."""
    if METRICS[metric].unit != "seconds" or metric.startswith(_PARTS):
        return False
    return uploads_without_time(step, step.service if metric.startswith("service_") else step.response) > 0
