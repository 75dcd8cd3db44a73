"""What a run suffered from, as people should read it: causes with their evidence and what to do, gravest first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from loadtest_model.explanations import explanation_of
from loadtest_model.judgement.trend import memory_sign
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.cause_counts import CauseCount, merged_causes
from loadtest_model.measurement.causes import CUT_CAUSES, Cause, cause_of
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.proof import ReadBackResult, read_back_conclusion
from loadtest_model.measurement.snapshot import VerificationReport
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.quantities import clip

MOST_DIAGNOSES: Final = 12
GUNICORN_SECONDS: Final = 30.0
"""gunicorn's time-out where none is set."""

_LEAST_SECONDS_SHOWN: Final = 0.5
"""The evidence shows ages only from here on, because shorter ones do not tell of a time-out."""

_LONGEST_EVIDENCE: Final = 480
_HIGH_ERROR_RATE: Final = 0.01
_TIMEOUT_TOLERANCE_SECONDS: Final = 1.5
"""How much later than its time-out gunicorn may notice that a worker is silent."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One cause. `count` is the number of uploads that it explains: 1 for a refusal or a read-back, 0 for memory."""

    cause: Cause
    title: Annotated[str, Meta(max_length=128)]
    evidence: Annotated[str, Meta(max_length=512)]
    next_step: Annotated[str, Meta(max_length=512)]
    count: Annotated[int, Meta(ge=0)]


CauseCounts = Mapping[Cause, CauseCount]
Pattern = Callable[[CauseCounts, StepAggregate], CauseCounts]


def diagnose_run(
    aggregate: Aggregate,
    report: VerificationReport | None,
    warm_up_seconds: float = 0.0,
    *,
    has_several_users: bool = True,
) -> tuple[Diagnosis, ...]:
    """The causes of everything that was not accepted: a refusal, broken promises, then the others by their number.

    The target's memory, which counts after `warm_up_seconds`, and a high error rate come after them. Advice on how to
    lower the load depends on `has_several_users`.
    """
    whole = StepAggregate()
    for step in aggregate.steps:
        whole = whole.merge(step)
    causes = _all_causes(aggregate)
    for pattern in _PATTERNS:
        causes = pattern(causes, whole)
    causes = _attribute_to_refusals(causes, report)
    if aggregate.pods and aggregate.crippled_pods == aggregate.pods:
        # A pod that had its CPU met them too, or would have.
        lateness_causes = tuple(cause for cause in _LATENESS_CAUSES if cause in causes)
        causes = _attribute(causes, lateness_causes, Cause.GENERATOR_THROTTLED)
    ranked_causes = sorted(causes.items(), key=lambda item: (item[0] not in _BROKEN_PROMISES, -item[1].count, item[0]))
    load_diagnoses = [
        _diagnosis(cause, _evidence(cause_count, whole.total), cause_count.count)
        for cause, cause_count in ranked_causes
    ]
    overall_diagnoses = [*_memory_diagnosis(aggregate, warm_up_seconds), *_error_rate_diagnosis(aggregate)]
    load_diagnoses, overall_diagnoses = (
        [
            _fit_to_run(diagnosis, has_accepted=whole.total.accepted > 0, has_several_users=has_several_users)
            for diagnosis in diagnoses
        ]
        for diagnoses in (load_diagnoses, overall_diagnoses)
    )
    most_others = MOST_DIAGNOSES - len(overall_diagnoses)
    others = (*_refusal_diagnosis(report), *_read_back_diagnosis(report), *load_diagnoses)[:most_others]
    return (*others, *overall_diagnoses)


def main_diagnosis(diagnoses: Sequence[Diagnosis]) -> Diagnosis | None:
    """The one that explains a failed run; None where so few uploads failed that they explain nothing."""
    if not diagnoses:
        return None
    many_failed = diagnoses[-1].cause is Cause.HIGH_ERROR_RATE
    return diagnoses[0] if many_failed or diagnoses[0].cause in _DECISIVE else None


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """A diagnosis as one sentence and what to do."""
    return f"{diagnosis.title}. {diagnosis.next_step}"


def _all_causes(aggregate: Aggregate) -> CauseCounts:
    causes: CauseCounts = {}
    for step in aggregate.steps:
        causes = merged_causes(causes, step.causes or _causes_by_kind(step))
    return causes


def _causes_by_kind(step: StepAggregate) -> CauseCounts:
    """What the kinds of error alone tell, where of a pod no more than its last word is known."""
    causes: CauseCounts = {}
    for kind, count in step.errors.items():
        cause = cause_of(kind)
        if cause is not None:
            causes = merged_causes(causes, {cause: CauseCount(count=count, shortest_seconds=0.0, longest_seconds=0.0)})
    return causes


# Patterns: what several failures together tell, and none of them alone.


def _attribute_to_departures(causes: CauseCounts, whole: StepAggregate) -> CauseCounts:
    """What failed at addresses that left the target meanwhile says how its pods end, not that it went down.

    An upload that is cut with its pod may have looked like one whose worker ran out of memory, or whose size was too
    much for a proxy.
    """
    departed_counts = whole.gone
    for signs, departed_count in (
        ((Cause.CONNECTION_REFUSED,), departed_counts.refused),
        ((Cause.CONNECT_TIMEOUT,), departed_counts.unanswered),
        (CUT_CAUSES, departed_counts.cut),
        ((Cause.STALE_CONNECTION,), departed_counts.stale),
    ):
        remaining_count = departed_count
        for cause in signs:
            count = min(remaining_count, causes[cause].count) if cause in causes else 0
            if count:
                causes = _attribute_some(causes, cause, count, Cause.PODS_LEFT)
                remaining_count -= count
    return causes


def _attribute_to_a_crash(causes: CauseCounts, whole: StepAggregate) -> CauseCounts:
    """Cut uploads and refused connections after acceptances: the process is gone."""
    signs = (Cause.CONNECTION_RESET, Cause.CONNECTION_REFUSED)
    if not whole.total.accepted or any(cause not in causes for cause in signs):
        return causes
    return _attribute(causes, signs, Cause.TARGET_CRASHED)


def _attribute_to_worker_timeouts(causes: CauseCounts, _whole: StepAggregate) -> CauseCounts:
    """Uploads that are cut at one and the same age, by gunicorn itself or by a proxy that lost its worker."""
    timeout_causes = [
        cause
        for cause in (Cause.CONNECTION_RESET, Cause.PROXY_BAD_GATEWAY)
        if cause in causes and _looks_like_a_timeout(causes[cause])
    ]
    return _attribute(causes, tuple(timeout_causes), Cause.WORKER_TIMEOUT) if timeout_causes else causes


def _looks_like_a_timeout(cause_count: CauseCount) -> bool:
    shortest, longest = cause_count.shortest_seconds, cause_count.longest_seconds
    if GUNICORN_SECONDS <= shortest <= GUNICORN_SECONDS + _TIMEOUT_TOLERANCE_SECONDS:
        # Uploads that had to wait for a worker are older when it is killed.
        return True
    same_age = longest - shortest <= max(_TIMEOUT_TOLERANCE_SECONDS, 0.1 * longest)
    return cause_count.count > 1 and shortest > _TIMEOUT_TOLERANCE_SECONDS and same_age


def _attribute(causes: CauseCounts, old_causes: tuple[Cause, ...], new_cause: Cause) -> CauseCounts:
    """The uploads of some causes under another cause."""
    merged = {cause: count for cause, count in causes.items() if cause not in old_causes}
    for cause in old_causes:
        merged = merged_causes(merged, {new_cause: causes[cause]})
    return merged


def _attribute_to_refusals(causes: CauseCounts, report: VerificationReport | None) -> CauseCounts:
    """Uploads that found no address lack one because the new addresses were refused, where they were."""
    refusal_causes = [refused.cause for refused in report.refused_addresses if refused.cause] if report else []
    if not refusal_causes or Cause.ADDRESSES_VANISHED not in causes:
        return causes
    cause = next((cause for cause in refusal_causes if cause in _BROKEN_PROMISES), refusal_causes[0])
    return _attribute(causes, (Cause.ADDRESSES_VANISHED,), cause)


def _attribute_some(causes: CauseCounts, cause: Cause, count: int, new_cause: Cause) -> CauseCounts:
    """A number of the uploads of one cause under another cause."""
    cause_count = causes[cause]
    if count < cause_count.count:
        reduced_causes = {**causes, cause: structs.replace(cause_count, count=cause_count.count - count)}
        return merged_causes(reduced_causes, {new_cause: structs.replace(cause_count, count=count)})
    return _attribute(causes, (cause,), new_cause)


_PATTERNS: Final[tuple[Pattern, ...]] = (_attribute_to_departures, _attribute_to_a_crash, _attribute_to_worker_timeouts)

_LATENESS_CAUSES: Final = (Cause.TIMED_OUT, Cause.CONNECT_TIMEOUT, Cause.BODY_TOO_SLOW)
"""What a generator may well have done itself that was kept from the CPU."""

_BROKEN_PROMISES: Final = frozenset(
    {
        Cause.MARKER_MISSING,
        Cause.MARKER_FALSE,
        Cause.NOT_JSON,
        Cause.ANSWER_UNREADABLE,
        Cause.NONCE_NOT_ECHOED,
        Cause.SLASH_MISSING,
        Cause.HTTPS_REDIRECT,
        Cause.HOST_REDIRECT,
        Cause.LOGIN_REDIRECT,
        Cause.REDIRECTED,
    }
)

_DECISIVE: Final = _BROKEN_PROMISES | {Cause.ROWS_STORED, Cause.TARGET_CRASHED}


# What people read.


def _refusal_diagnosis(report: VerificationReport | None) -> tuple[Diagnosis, ...]:
    if report is None or report.cause is None:
        return ()
    return (_diagnosis(report.cause, report.message, 1),)


def _read_back_diagnosis(report: VerificationReport | None) -> tuple[Diagnosis, ...]:
    if report is None or report.refusal is not None or report.read_back is None:
        return ()
    conclusion = read_back_conclusion(report.read_back)
    cause = _CAUSES_BY_READ_BACK.get(conclusion.result)
    return () if cause is None else (_diagnosis(cause, conclusion.message, 1),)


_CAUSES_BY_READ_BACK: Final = {
    ReadBackResult.STORED: Cause.ROWS_STORED,
    ReadBackResult.FAILED: Cause.READ_BACK_FAILED,
    ReadBackResult.CONTROL_FAILED: Cause.READ_BACK_CONTROL,
}


def _memory_diagnosis(aggregate: Aggregate, warm_up_seconds: float) -> tuple[Diagnosis, ...]:
    points = [point for point in aggregate.target_memory.points if point[0] >= warm_up_seconds]
    sign = memory_sign(points)
    return () if sign is None else (_diagnosis(Cause.MEMORY_GROWING, sign, 0),)


def _error_rate_diagnosis(aggregate: Aggregate) -> tuple[Diagnosis, ...]:
    counts = Counts()
    for step in aggregate.steps:
        counts = counts.merge(step.judged)
    rate = counts.error_rate
    if rate is None or rate <= _HIGH_ERROR_RATE:
        return ()
    failures = counts.due - counts.accepted - counts.cancelled
    evidence = f"{failures:,} of {counts.due - counts.cancelled:,} uploads due were not accepted: {rate:.1%}"
    return (_diagnosis(Cause.HIGH_ERROR_RATE, evidence, failures),)


def _diagnosis(cause: Cause, evidence: str, count: int) -> Diagnosis:
    explanation = explanation_of(cause)
    shown_evidence = clip(evidence, _LONGEST_EVIDENCE)
    return Diagnosis(
        cause=cause, title=explanation.title, evidence=shown_evidence, next_step=explanation.next_step, count=count
    )


def _fit_to_run(diagnosis: Diagnosis, *, has_accepted: bool, has_several_users: bool) -> Diagnosis:
    """The diagnosis without advice that cannot help in this run."""
    explanation = explanation_of(diagnosis.cause)
    next_step = explanation.next_step_in_run(has_accepted=has_accepted, has_several_users=has_several_users)
    return structs.replace(diagnosis, next_step=next_step)


def _evidence(cause_count: CauseCount, total: Counts) -> str:
    parts = [f"{cause_count.count:,} of {total.sent:,} uploads"]
    if cause_count.longest_seconds >= _LEAST_SECONDS_SHOWN:
        shortest, longest = f"{cause_count.shortest_seconds:.1f}", f"{cause_count.longest_seconds:.1f}"
        ages = shortest if shortest == longest else f"{shortest} to {longest}"
        parts.append(f"{ages} s after {'it was' if cause_count.count == 1 else 'they were'} sent")
    evidence = ", ".join(parts)
    return (
        evidence
        if cause_count.example is None
        else f"{evidence}; {cause_count.example.address} {cause_count.example.text}"
    )
