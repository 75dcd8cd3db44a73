"""The checks of a verdict, the gravest first, in the order of docs/semantics.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loadtest_model.judgement.capacity import CapacityFinding, CapacityLimit, held_text, load_text
from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.judged_thresholds import breach_text, doubt_text
from loadtest_model.judgement.own_limits import LONGER_GRACE, advice
from loadtest_model.judgement.verdict import Facts, Verdict
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.missing import uploads_without_time
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackResult, read_back_conclusion
from loadtest_model.measurement.run_rows import run_rows_of
from loadtest_model.measurement.snapshot import Refusal, RefusedAddress, Violation
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.reasons import AnyReason, Reason
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import COARSE, ThresholdResult, parse_threshold
from loadtest_model.thresholds.metrics import METRICS

_PARTS: Final = ("connect_", "upload_", "wait_")
"""The metrics of an upload's parts are exact, and no last word leaves them out."""

_BROKEN_PROMISES: Final = frozenset({Refusal.MARKER_MISSING, Refusal.MARKER_FALSE, Refusal.REDIRECT})


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    reason: AnyReason
    text: str


@dataclass(frozen=True)
class Evidence:
    """The facts, and what follows from them at once for several checks."""

    facts: Facts
    thresholds: tuple[ThresholdResult, ...]
    health: Health
    capacity: CapacityFinding | None = None

    @property
    def breaches(self) -> tuple[ThresholdResult, ...]:
        return tuple(result for result in self.thresholds if result.passed is False)


# 1. A broken promise.


def violations(evidence: Evidence) -> list[Finding]:
    return [
        Finding(Verdict.FAILED, Reason.Violation, violation_text(violation))
        for violation in evidence.facts.aggregate.violations
    ]


def counted_violations(evidence: Evidence) -> list[Finding]:
    """A violation that was counted, but of which nothing more is known: who saw it was cut off before it could tell."""
    facts = evidence.facts
    violation_count = sum(step.total.violation for step in facts.aggregate.steps)
    if (
        not violation_count
        or facts.aggregate.violations
        or any(failure.reason is Reason.Violation for failure in facts.recorded_failures)
    ):
        return []
    text = (
        f"{violation_count} upload{' was' if violation_count == 1 else 's were'} answered with a 2xx without a true"
        " marker or the nonce that was asked for, or with a redirect; which rows may be stored because of it is not"
        " known"
    )
    return [Finding(Verdict.FAILED, Reason.Violation, text)]


def violation_text(violation: Violation) -> str:
    """A broken promise in a sentence: what was answered, where, and which rows may be stored because of it."""
    if violation.message.startswith(violation.address):
        # A verification has met it, whose message says all of this.
        return violation.message
    first_row = violation.first_row or f"client_id {violation.first_client_id}"
    run_rows = run_rows_of(first_row, violation.first_client_id)
    removal = f"remove {'it' if violation.rows == 1 else 'them'}{f': {run_rows}' if run_rows else ''}"
    rows_text = (
        f"row of that upload, with {first_row}, may be stored"
        if violation.rows == 1
        else f"{violation.rows:,} rows of that upload may be stored, the first with {first_row}"
    )
    return f"{violation.address} {violation.message}; the {rows_text}; {removal}"


def rows_found_stored(evidence: Evidence) -> list[Finding]:
    read_back = evidence.facts.read_back
    conclusion = read_back_conclusion(read_back) if read_back else None
    if conclusion is None or conclusion.result is not ReadBackResult.STORED:
        return []
    return [Finding(Verdict.FAILED, Reason[conclusion.result], conclusion.message)]


# 2. No proof.


def refused_verification(evidence: Evidence) -> list[Finding]:
    report = evidence.facts.refusal
    if report is None or report.refusal is None:
        return []
    # That the generator had no CPU to verify with says nothing of the target.
    verdict = Verdict.INCONCLUSIVE if report.refusal is Refusal.THROTTLED else Verdict.FAILED
    return [Finding(verdict, Reason[report.refusal], report.message)]


def recorded_failures(evidence: Evidence) -> list[Finding]:
    """A violation or refusal stays one when the pod that saw it is gone."""
    if evidence.facts.aggregate.violations or evidence.facts.refusal is not None:
        return []
    return [Finding(Verdict.FAILED, failure.reason, failure.message) for failure in evidence.facts.recorded_failures]


# A target that could no longer be tried says nothing of how it carries load: neither its errors nor its health do.


def vanished_target(evidence: Evidence) -> list[Finding]:
    """Uploads that had no address left to go to, unless it is known that the target crashed."""
    target = evidence.facts.target
    if target is not None and target.crashes:
        return []
    count = sum(step.errors.get(ErrorKind.NO_ADDRESS, 0) for step in evidence.facts.aggregate.steps)
    if not count:
        return []
    if evidence.facts.refused_addresses:
        return [_refused_addresses(count, evidence.facts.refused_addresses)]
    explanation = (
        f"{target.workload} was rolled out, and none of its pods served meanwhile; let a rollout keep some of them"
        if target is not None and target.rolled_out
        else "look at the pods behind its Service"
    )
    text = (
        f"{count} uploads had no address to go to and count as rejected: every proven address of the target"
        f" vanished while the load ran; {explanation}"
    )
    return [Finding(Verdict.INCONCLUSIVE, Reason.TargetVanished, text)]


def _refused_addresses(count: int, refused_addresses: tuple[RefusedAddress, ...]) -> Finding:
    """Uploads that had no address, since those that came in the place of the proven ones were refused.

    The gravest refusal decides: an address that does not honour the header is no target.
    """
    first, *others = sorted(refused_addresses, key=lambda refused: refused.refusal not in _BROKEN_PROMISES)
    addresses = ", ".join(refused.address for refused in others)
    text = (
        f"{first.message}; {count} uploads had no address to go to, because those that were proven have left the target"
        f" and the new ones were refused{f' (also {addresses})' if addresses else ''}"
    )
    verdict = Verdict.FAILED if first.refusal in _BROKEN_PROMISES else Verdict.INCONCLUSIVE
    return Finding(verdict, Reason[first.refusal], text)


# 3. A breach that stands.


def lasting_breaches(evidence: Evidence) -> list[Finding]:
    """Breaches that no missing data could undo. Where nothing is missing of a step, that is each of them.

    A threshold that is in doubt is not breached: the generator itself may have caused what was measured.
    """
    incomplete, unjudged = _incomplete_steps(evidence), _lacking_times(evidence)
    findings = []
    for result in evidence.breaches:
        threshold = parse_threshold(result.expression)
        if (result.step in incomplete or result in unjudged) and not threshold.breach_is_lasting:
            continue
        findings.append(Finding(Verdict.FAILED, Reason.ThresholdBreached, breach_text(result)))
    return findings


def _incomplete_steps(evidence: Evidence) -> frozenset[str]:
    """The steps of which something is missing, by the names that threshold results have for them.

    A step that all pods finished is whole, whatever became of a later one.
    """
    facts = evidence.facts
    is_incomplete = facts.gaps or records_not_sent(evidence) or unfinished_steps(evidence)
    if not (is_incomplete or _is_limit_incomplete(evidence)):
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
    return [Finding(Verdict.FAILED, Reason.HealthCritical, evidence.health.evidence[0])]


def capacity_too_low(evidence: Evidence) -> list[Finding]:
    """A climb that the target ended before the load that had to hold; without a required one, before any held."""
    capacity = evidence.capacity
    if capacity is None or capacity.is_reached or capacity.is_at_least or _is_limit_incomplete(evidence):
        return []
    return [Finding(Verdict.FAILED, Reason.CapacityTooLow, _missed_capacity(capacity))]


def _is_limit_incomplete(evidence: Evidence) -> bool:
    """Whether the plateau that ended a climb lacks what some pods measured on it."""
    limiting = evidence.capacity.limiting if evidence.capacity else None
    return limiting is not None and limiting.aggregate.finished_pods < evidence.facts.plan.parallelism


def _missed_capacity(capacity: CapacityFinding) -> str:
    """Which load was to hold, what ended the climb, and what held."""
    load = "" if capacity.required is None else load_text(capacity.required, capacity.by)
    if capacity.is_at_least:
        missed = (
            f"the required load of {load} is not known to hold" if load else "no load of the climb is known to hold"
        )
    else:
        missed = f"the required load of {load} did not hold" if load else "no load of the climb held"
    held = "" if capacity.held is None else f"; {held_text(capacity)}"
    return f"{missed}: {capacity.text}{held}"


# 5. Not enough to judge by.


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


def missing_times(evidence: Evidence) -> list[Finding]:
    """Thresholds on times of which some are missing: a last word had no room for them, and no operator read them."""
    unjudged = [result for result in evidence.thresholds if result in _lacking_times(evidence)]
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


def _lacking_times(evidence: Evidence) -> list[ThresholdResult]:
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


def thresholds_in_doubt(evidence: Evidence) -> list[Finding]:
    """Thresholds that hold at one end of the interval in which the truth lies, and not at the other.

    A run that was cut short says so itself; that this left uploads without an end needs no reason of its own.
    """
    incomplete_steps = _incomplete_steps(evidence)
    findings = []
    for result in evidence.thresholds:
        was_cut_short = result.step in incomplete_steps or bool(evidence.facts.recorded_failures)
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
    if capacity is None or capacity.is_reached or not (capacity.is_at_least or _is_limit_incomplete(evidence)):
        return []
    if _lacks_plateaus(evidence):
        text = (
            "how the plateaus fared is missing: the pods' last words have no room for it, and no operator read it"
            " before the pods ended; run it again"
        )
        return [Finding(Verdict.INCONCLUSIVE, Reason.ResultsMissing, text)]
    next_step = {
        CapacityLimit.GENERATOR: advice(evidence.facts.aggregate),
        CapacityLimit.SAMPLES: "lengthen spec.load.capacity.plateau",
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
    lacking_times = _lacking_times(evidence)
    for step in dict.fromkeys(result.step for result in evidence.thresholds):
        unjudged_expressions = [
            result.expression
            for result in evidence.thresholds
            if result.step == step and result.value is None and result not in lacking_times
        ]
        if unjudged_expressions:
            clause = f" of step {step}" if step else ""
            text = f"no sample{clause} to judge {', '.join(unjudged_expressions)} by; lengthen the load"
            findings.append(Finding(Verdict.INCONCLUSIVE, Reason.TooFewSamples, text))
    return findings


def steps_without_uploads(evidence: Evidence) -> list[Finding]:
    """Where nothing was uploaded nothing was proven, also where no threshold asks for it."""
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
    """Where Proven is required, a read-back that shows nothing leaves the run unproven."""
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
    rows_found_stored,
    refused_verification,
    recorded_failures,
    gaps,
)
"""After a refusal, or another end before the load, no measurement is missing, because none was to be made."""
