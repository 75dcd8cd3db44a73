"""The checks of a verdict, the gravest first, in the order of docs/semantics.md."""

from collections.abc import Callable
from typing import Final

from loadtest_model.judgement.capacity import CapacityFinding, CapacityLimit, held_text
from loadtest_model.judgement.completeness_checks import (
    gaps,
    incomplete_steps,
    is_limit_incomplete,
    lacking_times,
    missing_times,
    records_not_sent,
    unfinished_steps,
    unread_baseline,
)
from loadtest_model.judgement.evidence import Evidence, Finding
from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.judged_thresholds import breach_text, doubt_text
from loadtest_model.judgement.own_limits import LONGER_GRACE, advice
from loadtest_model.judgement.safety_checks import (
    counted_violations,
    recorded_failures,
    refused_verification,
    rows_found_stored,
    vanished_target,
    violations,
)
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.proof import ReadBackResult, read_back_conclusion
from loadtest_model.plan.climb import load_text
from loadtest_model.reasons import Reason
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import COARSE, parse_threshold

LONGER_PLATEAU: Final = "lengthen spec.load.capacity.plateau"


def lasting_breaches(evidence: Evidence) -> list[Finding]:
    """Breaches that no missing data could undo. If nothing is missing of a step, that is each of them.

    A threshold that is in doubt is not breached: the generator itself may have caused what was measured.
    """
    incomplete, unjudged = incomplete_steps(evidence), lacking_times(evidence)
    findings = []
    for result in evidence.breaches:
        threshold = parse_threshold(result.expression)
        if (result.step in incomplete or result in unjudged) and not threshold.breach_is_lasting:
            continue
        findings.append(Finding(Verdict.FAILED, Reason.ThresholdBreached, breach_text(result)))
    return findings


def critical_health(evidence: Evidence) -> list[Finding]:
    if evidence.health is None or evidence.health.level is not HealthLevel.CRITICAL:
        return []
    return [Finding(Verdict.FAILED, Reason.HealthCritical, evidence.health.evidence[0])]


def capacity_too_low(evidence: Evidence) -> list[Finding]:
    """A climb that the target ended before the load that had to hold; without a required one, before any held."""
    capacity = evidence.capacity
    if capacity is None or not capacity.is_missed or is_limit_incomplete(evidence):
        return []
    return [Finding(Verdict.FAILED, Reason.CapacityTooLow, _missed_capacity(capacity))]


def _missed_capacity(capacity: CapacityFinding) -> str:
    """Which load was to hold, what ended the climb, and what held."""
    load = "" if capacity.required is None else load_text(capacity.required, capacity.by)
    if not capacity.is_missed:
        missed = (
            f"the required load of {load} is not known to hold" if load else "no load of the climb is known to hold"
        )
    else:
        missed = f"the required load of {load} did not hold" if load else "no load of the climb held"
    held = "" if capacity.held is None else f"; {held_text(capacity)}"
    return f"{missed}: {capacity.text}{held}"


def thresholds_in_doubt(evidence: Evidence) -> list[Finding]:
    """Thresholds that hold at one end of the interval in which the truth lies, and not at the other.

    A run that was cut short says so itself; that this left uploads without an end needs no reason of its own.
    """
    incomplete = incomplete_steps(evidence)
    findings = []
    for result in evidence.thresholds:
        was_cut_short = result.step in incomplete or bool(evidence.facts.recorded_failures)
        if not result.is_in_doubt or (result.censored and was_cut_short):
            continue
        if result.note.startswith(COARSE):
            text = f"{doubt_text(result)}; {result.note}; run it again"
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.ResultsMissing, text))
            continue
        next_step = LONGER_GRACE if result.censored else advice(evidence.facts.aggregate)
        findings.append(Finding(Verdict.INCONCLUSIVE, Reason.ThresholdInDoubt, f"{doubt_text(result)}; {next_step}"))
    return findings


def capacity_unknown(evidence: Evidence) -> list[Finding]:
    """A climb that something else than the target ended before the load that had to hold."""
    capacity = evidence.capacity
    if capacity is None or capacity.is_reached or (capacity.is_missed and not is_limit_incomplete(evidence)):
        return []
    if _lacks_plateaus(evidence):
        text = (
            "how the plateaus fared is missing: the pods' last words have no room for it, and no operator read it"
            " before the pods ended; run it again"
        )
        return [Finding(Verdict.INCONCLUSIVE, Reason.ResultsMissing, text)]
    next_step = {
        CapacityLimit.GENERATOR: advice(evidence.facts.aggregate),
        CapacityLimit.SAMPLES: LONGER_PLATEAU,
        CapacityLimit.THRESHOLD: LONGER_PLATEAU,
    }.get(capacity.limit or CapacityLimit.STOPPED, "run it again")
    return [Finding(Verdict.INCONCLUSIVE, Reason.CapacityUnknown, f"{_missed_capacity(capacity)}; {next_step}")]


def _lacks_plateaus(evidence: Evidence) -> bool:
    """Whether uploads of a climb are in none of its plateaus."""
    pairs = zip(evidence.facts.plan.steps, evidence.facts.aggregate.steps, strict=False)
    return any(
        step.climb is not None and sum(plateau.judged.due for plateau in measured.plateaus) < measured.judged.due
        for step, measured in pairs
    )


def too_few_samples(evidence: Evidence) -> list[Finding]:
    findings = []
    unjudged = lacking_times(evidence)
    for step in dict.fromkeys(result.step for result in evidence.thresholds):
        unjudged_expressions = [
            result.expression
            for result in evidence.thresholds
            if result.step == step and result.value is None and result not in unjudged
        ]
        if unjudged_expressions:
            clause = f" of step {step}" if step else ""
            text = f"no sample{clause} to judge {', '.join(unjudged_expressions)} by; lengthen the load"
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.TooFewSamples, text))
    return findings


def steps_without_uploads(evidence: Evidence) -> list[Finding]:
    """If nothing was uploaded, nothing was proven, even if no threshold asks for it."""
    steps = evidence.facts.aggregate.steps
    findings = []
    for number, step in enumerate(evidence.facts.plan.steps):
        judged = steps[number].judged if number < len(steps) else Counts()
        if judged.due <= judged.cancelled:
            text = f"step {step.name} made no upload to judge by"
            if judged.cancelled:
                text = (
                    f"none of the {judged.cancelled} uploads of step {step.name} ended before its cut; {LONGER_GRACE}"
                )
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.TooFewSamples, text))
    return findings


def not_read_back(evidence: Evidence) -> list[Finding]:
    """If Proven is required, a read-back that shows nothing leaves the run unproven."""
    if evidence.facts.plan.require != Requirement.PROVEN or evidence.facts.refusal is not None:
        return []
    read_back = evidence.facts.read_back
    if read_back is None:
        return [
            Finding(Verdict.INCONCLUSIVE, Reason.ReadBackUnfinished, "what the target has stored was not read back")
        ]
    conclusion = read_back_conclusion(read_back)
    if conclusion.result in (ReadBackResult.NOTHING_STORED, ReadBackResult.STORED):
        return []
    return [Finding(Verdict.INCONCLUSIVE, Reason[conclusion.result], conclusion.message)]


Check = Callable[[Evidence], list[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    violations,
    counted_violations,
    rows_found_stored,
    refused_verification,
    recorded_failures,
    vanished_target,
    lasting_breaches,
    critical_health,
    capacity_too_low,
    gaps,
    records_not_sent,
    unfinished_steps,
    missing_times,
    unread_baseline,
    not_read_back,
    capacity_unknown,
    thresholds_in_doubt,
    too_few_samples,
    steps_without_uploads,
)

CHECKS_WITHOUT_LOAD: Final[tuple[Check, ...]] = (
    violations,
    refused_verification,
    rows_found_stored,
    recorded_failures,
    gaps,
)
"""After a refusal, or another end before the load, no measurement is missing, because none was to be made. The refusal
says what to mend, so it comes before the rows that the target has stored."""
