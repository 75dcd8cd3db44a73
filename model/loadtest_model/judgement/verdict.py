"""The verdict of a run: the first of six checks that holds, in SEMANTICS' order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from msgspec import structs

from loadtest_model.judgement.health import (
    NO_EVICTIONS,
    Evictions,
    Health,
    HealthLevel,
    assess,
    eviction_health,
    memory_health,
    worst,
)
from loadtest_model.judgement.workload import TargetWatch, target_health
from loadtest_model.measurement.aggregate import Aggregate, StepAggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, Shown, concluded_from
from loadtest_model.measurement.snapshot import Counts, Refusal, TargetMemory, VerificationReport, Violation
from loadtest_model.measurement.throttling import throttling_text
from loadtest_model.plan import Plan, Step
from loadtest_model.quantities import seconds_text
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate_all, parse_threshold


class Verdict(StrEnum):
    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True)
class Gap:
    """Something that keeps a run from being judged in full: a lost pod, a missing result, a stop.

    `reason` is a condition's reason (CamelCase), `message` a sentence with what to do.
    """

    reason: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What a verdict is made from. `refusal` is the report of a verification that did not prove the target.

    `read_back` is what was read of the target's storage. `on_record` are violations and refusals that were written
    down, whether or not the pod that saw them can still be asked. `target` is what was seen of the target's workload,
    `evictions` are those of the target's pods.
    """

    plan: Plan
    aggregate: Aggregate
    refusal: VerificationReport | None = None
    read_back: ReadBackReport | None = None
    gaps: tuple[Gap, ...] = ()
    on_record: tuple[Gap, ...] = ()
    target: TargetWatch | None = None
    evictions: Evictions = NO_EVICTIONS


@dataclass(frozen=True)
class StepJudgement:
    """What one step came to by itself, and every reason found, gravest first."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict, the reason that decided it, and every reason found, gravest first. `steps` are in the plan's order.

    No step's verdict is worse than the run's: what is found of a step is found of the run.
    """

    verdict: Verdict
    reason: str
    reasons: tuple[str, ...]
    thresholds: tuple[ThresholdResult, ...] = ()
    health: Health = field(default_factory=Health)
    steps: tuple[StepJudgement, ...] = ()


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    reason: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """The facts, and what follows from them at once for several checks."""

    facts: Facts
    thresholds: tuple[ThresholdResult, ...]
    health: Health
    saturation: tuple[str, ...]

    @property
    def breached(self) -> tuple[ThresholdResult, ...]:
        return tuple(result for result in self.thresholds if result.passed is False)


SATURATED_LAG_SECONDS: Final = 0.010
SATURATED_LAG_SHARE: Final = 0.05
SATURATED_LATENESS_SECONDS: Final = 0.010


def judge(facts: Facts) -> Judgement:
    """The verdict of an ended run. Of several steps the worst counts, since their findings are one list."""
    evidence = _evidence(facts)
    steps = tuple(_judge_step(facts, number) for number in range(len(facts.plan.steps)))
    findings = [finding for check in CHECKS for finding in check(evidence)]
    if not findings:
        return Judgement(Verdict.PASSED, "Passed", (), evidence.thresholds, evidence.health, steps)
    first = findings[0]
    return Judgement(first.verdict, first.reason, _texts(findings), evidence.thresholds, evidence.health, steps)


def _judge_step(facts: Facts, number: int) -> StepJudgement:
    """The same checks over what belongs to one step alone.

    What is missing of the run is missing of the steps that not all pods finished, and a broken promise is a finding of
    the step that it was counted in. What the target holds and has stored is known of the whole run only.
    """
    plan, aggregate = facts.plan, facts.aggregate
    seen = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
    unfinished = seen.finished_pods < plan.parallelism
    own = Facts(
        plan=structs.replace(plan, steps=(plan.steps[number],), require=Requirement.ACKNOWLEDGED),
        aggregate=structs.replace(
            aggregate,
            steps=(seen,),
            violations=aggregate.violations if seen.total.violation else (),
            target_memory=TargetMemory(),
        ),
        refusal=facts.refusal,
        gaps=facts.gaps if unfinished else (),
        on_record=facts.on_record if unfinished else (),
    )
    evidence = _evidence(own)
    findings = [finding for check in CHECKS for finding in check(evidence)]
    return StepJudgement(findings[0].verdict if findings else Verdict.PASSED, _texts(findings))


def _texts(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.text for finding in findings))


def judged_seconds(step: Step, aggregate: StepAggregate, pods: int) -> float:
    """The length of a step's judged load so far, after the warm-up; uploads that end while it drains count in it.

    A step that all pods finished counts in full. A load that is a number of records lasts until its last answer.
    """
    finished = pods and aggregate.finished_pods >= pods and step.records is None
    reached = step.duration_seconds if finished else min(step.duration_seconds, aggregate.load_seconds)
    return max(0.0, reached - step.warm_up_seconds)


def saturation(plan: Plan, aggregate: Aggregate) -> tuple[str, ...]:
    """Why the generator itself may have bounded what was measured; empty where it did not."""
    generator = aggregate.generator
    found = []
    if throttled := throttling_text(generator):
        found.append(
            f"{throttled}; raise spec.pod.resources.limits.cpu, or share the load among more pods (spec.parallelism)"
        )
    medians = [step.response.quantile_seconds(0.5) for step in aggregate.steps]
    known = [value for value in medians if value is not None]
    bound = max(SATURATED_LAG_SECONDS, SATURATED_LAG_SHARE * min(known, default=0.0))
    if generator.loop_lag_p99_seconds > bound:
        found.append(
            f"the generator's event loop lagged by {generator.loop_lag_p99_seconds * 1000:.0f} ms (p99, the bound is"
            f" {bound * 1000:.0f} ms); give it more CPU or a machine of its own, or share the load among more pods"
            " (spec.parallelism)"
        )
    lateness = max((step.lateness.quantile_seconds(0.99) or 0.0 for step in aggregate.steps), default=0.0)
    if lateness > SATURATED_LATENESS_SECONDS:
        found.append(
            f"uploads began {lateness * 1000:.0f} ms after they were due although virtual users were free (p99, the"
            f" bound is {SATURATED_LATENESS_SECONDS * 1000:.0f} ms); give the generator more CPU, or share the load"
            " among more pods (spec.parallelism)"
        )
    unopened = sum(step.errors.get(ErrorKind.NO_SOCKET, 0) for step in aggregate.steps)
    if unopened:
        found.append(
            f"the generator's own system had no socket or port for {unopened} connections; use connections again"
            " (spec.target.connections: Kept), or share the load among more pods (spec.parallelism)"
        )
    return tuple(found)


def threshold_results(plan: Plan, aggregate: Aggregate) -> tuple[ThresholdResult, ...]:
    """Every threshold of every step beside its value, in the plan's order."""
    several = len(plan.steps) > 1
    results: list[ThresholdResult] = []
    for number, step in enumerate(plan.steps):
        seen = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
        window = judged_seconds(step, seen, plan.parallelism)
        results.extend(evaluate_all(step.thresholds, seen, window, step.name if several else ""))
    return tuple(results)


def run_health(
    plan: Plan, aggregate: Aggregate, target: TargetWatch | None = None, evictions: Evictions = NO_EVICTIONS
) -> Health:
    """The health of the target so far. That it crashed comes first: it explains the rest."""
    warm_up_seconds = plan.steps[0].warm_up_seconds
    memory = memory_health([point for point in aggregate.target_memory.points if point[0] >= warm_up_seconds])
    measured = [assess(step, seen) for step, seen in zip(plan.steps, aggregate.steps, strict=False)]
    return worst([target_health(target), eviction_health(evictions), *measured, memory])


def _evidence(facts: Facts) -> Evidence:
    return Evidence(
        facts=facts,
        thresholds=threshold_results(facts.plan, facts.aggregate),
        health=run_health(facts.plan, facts.aggregate, facts.target, facts.evictions),
        saturation=saturation(facts.plan, facts.aggregate),
    )


# 1. A broken promise.


def violations(evidence: Evidence) -> list[Finding]:
    return [
        Finding(Verdict.FAILED, "Violation", violation_text(violation))
        for violation in evidence.facts.aggregate.violations
    ]


def counted_violations(evidence: Evidence) -> list[Finding]:
    """A violation that was counted, but of which nothing more is known: who saw it was cut off before it could tell."""
    facts = evidence.facts
    counted = sum(step.total.violation for step in facts.aggregate.steps)
    if not counted or facts.aggregate.violations or any(held.reason == "Violation" for held in facts.on_record):
        return []
    text = (
        f"{counted} upload{' was' if counted == 1 else 's were'} answered with a 2xx without a true marker or the nonce"
        " that was asked for, or with a redirect; which rows may be stored because of it is not known"
    )
    return [Finding(Verdict.FAILED, "Violation", text)]


def violation_text(violation: Violation) -> str:
    """A broken promise in a sentence: what was answered, where, and which rows may be stored because of it."""
    return (
        f"{violation.address} {violation.message}; the {violation.rows} rows of that upload, from client_id"
        f" {violation.first_client_id} on, may be stored"
    )


def rows_found_stored(evidence: Evidence) -> list[Finding]:
    read_back = evidence.facts.read_back
    conclusion = concluded_from(read_back) if read_back else None
    if conclusion is None or conclusion.shown is not Shown.STORED:
        return []
    return [Finding(Verdict.FAILED, conclusion.shown.value, conclusion.message)]


# 2. No proof.


def refused_verification(evidence: Evidence) -> list[Finding]:
    report = evidence.facts.refusal
    if report is None or report.refusal is None:
        return []
    # That the generator had no CPU to verify with says nothing of the target.
    verdict = Verdict.INCONCLUSIVE if report.refusal is Refusal.THROTTLED else Verdict.FAILED
    return [Finding(verdict, report.refusal.value, report.message)]


def on_record(evidence: Evidence) -> list[Finding]:
    """A violation or refusal stays one when the pod that saw it is gone."""
    if evidence.facts.aggregate.violations or evidence.facts.refusal is not None:
        return []
    return [Finding(Verdict.FAILED, held.reason, held.message) for held in evidence.facts.on_record]


# A target that could no longer be tried says nothing of how it carries load: neither its errors nor its health do.


def vanished_target(evidence: Evidence) -> list[Finding]:
    """Uploads that had no address left to go to, unless it is known that the target crashed."""
    target = evidence.facts.target
    if target is not None and target.crashes:
        return []
    missed = sum(step.errors.get(ErrorKind.NO_ADDRESS, 0) for step in evidence.facts.aggregate.steps)
    if not missed:
        return []
    text = (
        f"{missed} uploads had no address to go to: every proven address of the target vanished while the load ran;"
        " look at the pods behind its Service"
    )
    return [Finding(Verdict.INCONCLUSIVE, "TargetVanished", text)]


# 3. A breach that stands.


def lasting_breaches(evidence: Evidence) -> list[Finding]:
    """Breaches that no missing data could undo. Where nothing is missing of a step, that is each of them.

    A breach of time under our own saturation proves nothing of the target.
    """
    incomplete = _incomplete_steps(evidence)
    found = []
    for result in evidence.breached:
        threshold = parse_threshold(result.expression)
        if threshold.is_of_time and evidence.saturation:
            continue
        if result.step in incomplete and not threshold.breach_is_lasting:
            continue
        found.append(Finding(Verdict.FAILED, "ThresholdBreached", breach_text(result)))
    return found


def _incomplete_steps(evidence: Evidence) -> frozenset[str]:
    """The steps of which something is missing, by the names that threshold results have for them.

    A step that all pods finished is whole, whatever became of a later one.
    """
    facts = evidence.facts
    if not (facts.gaps or records_not_sent(evidence)):
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


# 4. A target in a critical state.


def critical_health(evidence: Evidence) -> list[Finding]:
    if evidence.health.level is not HealthLevel.CRITICAL:
        return []
    return [Finding(Verdict.FAILED, "HealthCritical", evidence.health.evidence[0])]


# 5. Not enough to judge by.


def gaps(evidence: Evidence) -> list[Finding]:
    return [Finding(Verdict.INCONCLUSIVE, gap.reason, gap.message) for gap in evidence.facts.gaps]


def records_not_sent(evidence: Evidence) -> list[Finding]:
    """A load that is a number of records and ended before the last of them was due."""
    found = []
    for step, seen in zip(evidence.facts.plan.steps, evidence.facts.aggregate.steps, strict=False):
        if step.uploads is not None and seen.total.due < step.uploads:
            text = (
                f"step {step.name} came to {seen.total.due} of the {step.uploads} uploads that {step.records} records"
                " take before its load ended"
            )
            found.append(Finding(Verdict.INCONCLUSIVE, "RecordsNotSent", text))
    return found


def own_saturation(evidence: Evidence) -> list[Finding]:
    return [
        Finding(Verdict.INCONCLUSIVE, "GeneratorSaturated", f"the generator was saturated: {text}")
        for text in evidence.saturation
    ]


def too_few_samples(evidence: Evidence) -> list[Finding]:
    found = []
    for step in dict.fromkeys(result.step for result in evidence.thresholds):
        unjudged = [each.expression for each in evidence.thresholds if each.step == step and each.passed is None]
        if unjudged:
            where = f" of step {step}" if step else ""
            text = f"no sample{where} to judge {', '.join(unjudged)} by; lengthen the load"
            found.append(Finding(Verdict.INCONCLUSIVE, "TooFewSamples", text))
    return found


def steps_without_uploads(evidence: Evidence) -> list[Finding]:
    """Where nothing was uploaded nothing was proven, also where no threshold asks for it."""
    steps = evidence.facts.aggregate.steps
    found = []
    for number, step in enumerate(evidence.facts.plan.steps):
        judged = steps[number].judged if number < len(steps) else Counts()
        if judged.due <= judged.cancelled:
            text = f"step {step.name} made no upload to judge by"
            found.append(Finding(Verdict.INCONCLUSIVE, "TooFewSamples", text))
    return found


def not_read_back(evidence: Evidence) -> list[Finding]:
    """Where Proven is required, a read-back that shows nothing leaves the run unproven."""
    if evidence.facts.plan.require != Requirement.PROVEN or evidence.facts.refusal is not None:
        return []
    read_back = evidence.facts.read_back
    if read_back is None:
        return [Finding(Verdict.INCONCLUSIVE, Shown.UNFINISHED.value, "what the target has stored was not read back")]
    conclusion = concluded_from(read_back)
    if conclusion.shown in (Shown.NOTHING_STORED, Shown.STORED):
        return []
    return [Finding(Verdict.INCONCLUSIVE, conclusion.shown.value, conclusion.message)]


CHECKS: Final[tuple[Callable[[Evidence], list[Finding]], ...]] = (
    violations,
    counted_violations,
    rows_found_stored,
    refused_verification,
    on_record,
    vanished_target,
    lasting_breaches,
    critical_health,
    gaps,
    records_not_sent,
    not_read_back,
    own_saturation,
    too_few_samples,
    steps_without_uploads,
)


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
