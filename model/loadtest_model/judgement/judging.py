"""The verdict of a run: that of the first check that finds something, else Passed."""

from msgspec import structs

from loadtest_model.judgement.capacity import capacity_of
from loadtest_model.judgement.checks import CHECKS, CHECKS_WITHOUT_LOAD
from loadtest_model.judgement.evidence import Evidence, Finding
from loadtest_model.judgement.health import (
    NO_EVICTIONS,
    Evictions,
    Health,
    assess_step,
    eviction_health,
    memory_health,
    worst_health,
)
from loadtest_model.judgement.judged_thresholds import threshold_results
from loadtest_model.judgement.verdict import Facts, Judgement, StepJudgement, Verdict
from loadtest_model.judgement.workload import TargetWatch, target_health
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.snapshot import TargetMemory
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason, class_of_end
from loadtest_model.spec.verification import Requirement


def judge(facts: Facts) -> Judgement:
    """The verdict of an ended run. Of several steps the worst counts, since their findings are one list."""
    evidence = _evidence(facts)
    steps = tuple(_judge_step(facts, number) for number in range(len(facts.plan.steps)))
    findings = _findings(evidence)
    if not findings:
        reason = Reason.OnlyVerified if facts.only_verified else Reason.Passed
        return Judgement(
            Verdict.PASSED,
            reason,
            (),
            evidence.thresholds,
            evidence.health,
            steps,
            reason.reason_class,
            evidence.capacity,
        )
    first = findings[0]
    reason_class = class_of_end(first.reason, load_began=facts.load_began)
    return Judgement(
        first.verdict,
        first.reason,
        _texts(findings),
        evidence.thresholds,
        evidence.health,
        steps,
        reason_class,
        evidence.capacity,
    )


def _judge_step(facts: Facts, number: int) -> StepJudgement:
    """The same checks over what belongs to one step alone.

    What is missing of the run is missing of the steps that not all pods finished, and a broken promise is a finding of
    the step that it was counted in. What the target holds and has stored is known of the whole run only.
    """
    plan, aggregate = facts.plan, facts.aggregate
    step_aggregate = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
    is_unfinished = step_aggregate.finished_pods < plan.parallelism
    step_facts = Facts(
        plan=structs.replace(plan, steps=(plan.steps[number],), require=Requirement.ACKNOWLEDGED),
        aggregate=structs.replace(
            aggregate,
            steps=(step_aggregate,),
            violations=aggregate.violations if step_aggregate.total.violation else (),
            target_memory=TargetMemory(),
        ),
        refusal=facts.refusal,
        gaps=facts.gaps if is_unfinished else (),
        recorded_failures=facts.recorded_failures if is_unfinished else (),
        refused_addresses=facts.refused_addresses,
        load_began=facts.load_began,
        climb_ended=facts.climb_ended,
        only_verified=facts.only_verified,
        baseline=facts.baseline,
    )
    findings = _findings(_evidence(step_facts))
    return StepJudgement(findings[0].verdict if findings else Verdict.PASSED, _texts(findings))


def _findings(evidence: Evidence) -> list[Finding]:
    """What the checks find, the gravest first. If there was no load, measurements are not asked for."""
    if evidence.facts.load_began:
        return [finding for check in CHECKS for finding in check(evidence)]
    findings = [finding for check in CHECKS_WITHOUT_LOAD for finding in check(evidence)]
    if findings or evidence.facts.only_verified:
        return findings
    return [Finding(Verdict.INCONCLUSIVE, Reason.NotStarted, "the load has not started")]


def _texts(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.text for finding in findings))


def run_health(
    plan: Plan, aggregate: Aggregate, target: TargetWatch | None = None, evictions: Evictions = NO_EVICTIONS
) -> Health:
    """The health of the target so far. That it crashed comes first: it explains the rest."""
    warm_up_seconds = plan.steps[0].warm_up_seconds
    memory = memory_health([point for point in aggregate.target_memory.points if point[0] >= warm_up_seconds])
    step_healths = [
        assess_step(step, step_aggregate) for step, step_aggregate in zip(plan.steps, aggregate.steps, strict=False)
    ]
    return worst_health([target_health(target), eviction_health(evictions), *step_healths, memory])


def _evidence(facts: Facts) -> Evidence:
    if not facts.load_began:
        return Evidence(facts=facts, thresholds=())
    health = run_health(facts.plan, facts.aggregate, facts.target, facts.evictions)
    return Evidence(
        facts=facts,
        thresholds=threshold_results(facts.plan, facts.aggregate, facts.baseline),
        health=health,
        capacity=capacity_of(facts.plan, facts.aggregate, health),
    )
