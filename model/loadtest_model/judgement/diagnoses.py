"""What a run suffered from, as people should read it: causes with their evidence and what to do, gravest first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from loadtest_model.explanations import explanation_of
from loadtest_model.judgement.trend import memory_sign
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.cause_counts import CauseSeen, merged_causes
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.proof import Shown, concluded_from
from loadtest_model.measurement.snapshot import VerificationReport
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.quantities import clipped

KEPT: Final = 12
GUNICORN_SECONDS: Final = 30.0
"""gunicorn's time-out where none is set."""

_TELLING_SECONDS: Final = 0.5
"""The age from which on it may tell of a time-out."""

_LONGEST_EVIDENCE: Final = 480
_HIGH_ERROR_RATE: Final = 0.01
_PASSING_SECONDS: Final = 1.5
"""How much later than its time-out gunicorn may notice that a worker is silent."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One cause. `count` is the number of uploads that it explains: 1 for a refusal or a read-back, 0 for memory."""

    cause: Cause
    title: Annotated[str, Meta(max_length=128)]
    evidence: Annotated[str, Meta(max_length=512)]
    next_step: Annotated[str, Meta(max_length=512)]
    count: Annotated[int, Meta(ge=0)]


Causes = Mapping[Cause, CauseSeen]
Pattern = Callable[[Causes, StepAggregate], Causes]


def diagnose_run(
    aggregate: Aggregate, report: VerificationReport | None, warm_up_seconds: float = 0.0
) -> tuple[Diagnosis, ...]:
    """The causes of everything that was not accepted: a refusal, broken promises, then the others by their number.

    The target's memory, which counts after `warm_up_seconds`, and a high error rate come after them.
    """
    whole = StepAggregate()
    for step in aggregate.steps:
        whole = whole.merge(step)
    seen = _all_causes(aggregate)
    for pattern in _PATTERNS:
        seen = pattern(seen, whole)
    if aggregate.pods and aggregate.crippled_pods == aggregate.pods:
        # A pod that had its CPU met them too, or would have.
        late = tuple(cause for cause in _OF_LATENESS if cause in seen)
        seen = _renamed(seen, late, Cause.GENERATOR_THROTTLED)
    ranked = sorted(seen.items(), key=lambda item: (item[0] not in _BROKEN_PROMISES, -item[1].count, item[0]))
    found = [_diagnosis(cause, _evidence(cause_seen, whole.total), cause_seen.count) for cause, cause_seen in ranked]
    overall = (*_memory_growing(aggregate, warm_up_seconds), *_high_error_rate(aggregate))
    return (*_refused(report), *_read_back(report), *found)[: KEPT - len(overall)] + overall


def foremost(diagnoses: Sequence[Diagnosis]) -> Diagnosis | None:
    """The one that explains a failed run; None where so few uploads failed that they explain nothing."""
    if not diagnoses:
        return None
    many_failed = diagnoses[-1].cause is Cause.HIGH_ERROR_RATE
    return diagnoses[0] if many_failed or diagnoses[0].cause in _DECISIVE else None


def in_short(diagnosis: Diagnosis) -> str:
    """A diagnosis as one sentence and what to do."""
    return f"{diagnosis.title}. {diagnosis.next_step}"


def _all_causes(aggregate: Aggregate) -> Causes:
    seen: Causes = {}
    for step in aggregate.steps:
        seen = merged_causes(seen, step.causes or _by_kind(step))
    return seen


def _by_kind(step: StepAggregate) -> Causes:
    """What the kinds of error alone tell, where of a pod no more than its last word is known."""
    seen: Causes = {}
    for kind, count in step.errors.items():
        cause = cause_of(kind)
        if cause is not None:
            seen = merged_causes(seen, {cause: CauseSeen(count=count, shortest_seconds=0.0, longest_seconds=0.0)})
    return seen


# Patterns: what several failures together tell, and none of them alone.


def _departure(seen: Causes, whole: StepAggregate) -> Causes:
    """What failed at addresses that left the target meanwhile says how its pods end, not that it went down."""
    gone = whole.gone
    for cause, count in (
        (Cause.CONNECTION_REFUSED, gone.refused),
        (Cause.CONNECT_TIMEOUT, gone.unanswered),
        (Cause.CONNECTION_RESET, gone.cut),
        (Cause.STALE_CONNECTION, gone.stale),
    ):
        if count and cause in seen:
            seen = _partly_renamed(seen, cause, count, Cause.PODS_LEFT)
    return seen


def _crash(seen: Causes, whole: StepAggregate) -> Causes:
    """Cut uploads and refused connections after acceptances: the process is gone."""
    both = (Cause.CONNECTION_RESET, Cause.CONNECTION_REFUSED)
    if not whole.total.accepted or any(cause not in seen for cause in both):
        return seen
    return _renamed(seen, both, Cause.TARGET_CRASHED)


def _worker_timeout(seen: Causes, _whole: StepAggregate) -> Causes:
    """Uploads that are cut at one and the same age, by gunicorn itself or by a proxy that lost its worker."""
    cut = [
        cause
        for cause in (Cause.CONNECTION_RESET, Cause.PROXY_BAD_GATEWAY)
        if cause in seen and _is_of_a_timeout(seen[cause])
    ]
    return _renamed(seen, tuple(cut), Cause.WORKER_TIMEOUT) if cut else seen


def _is_of_a_timeout(seen: CauseSeen) -> bool:
    shortest, longest = seen.shortest_seconds, seen.longest_seconds
    if GUNICORN_SECONDS <= shortest <= GUNICORN_SECONDS + _PASSING_SECONDS:
        # Uploads that had to wait for a worker are older when it is killed.
        return True
    same_age = longest - shortest <= max(_PASSING_SECONDS, 0.1 * longest)
    return seen.count > 1 and shortest > _PASSING_SECONDS and same_age


def _renamed(seen: Causes, causes: tuple[Cause, ...], name: Cause) -> Causes:
    others = {cause: held for cause, held in seen.items() if cause not in causes}
    for cause in causes:
        others = merged_causes(others, {name: seen[cause]})
    return others


def _partly_renamed(seen: Causes, cause: Cause, count: int, name: Cause) -> Causes:
    """So many of the uploads of one cause under another."""
    held = seen[cause]
    if count < held.count:
        kept = {**seen, cause: structs.replace(held, count=held.count - count)}
        return merged_causes(kept, {name: structs.replace(held, count=count)})
    return _renamed(seen, (cause,), name)


_PATTERNS: Final[tuple[Pattern, ...]] = (_departure, _crash, _worker_timeout)

_OF_LATENESS: Final = (Cause.TIMED_OUT, Cause.CONNECT_TIMEOUT, Cause.BODY_TOO_SLOW)
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


def _refused(report: VerificationReport | None) -> tuple[Diagnosis, ...]:
    if report is None or report.cause is None:
        return ()
    return (_diagnosis(report.cause, report.message, 1),)


def _read_back(report: VerificationReport | None) -> tuple[Diagnosis, ...]:
    if report is None or report.refusal is not None or report.read_back is None:
        return ()
    conclusion = concluded_from(report.read_back)
    cause = _BY_READ_BACK.get(conclusion.shown)
    return () if cause is None else (_diagnosis(cause, conclusion.message, 1),)


_BY_READ_BACK: Final = {
    Shown.STORED: Cause.ROWS_STORED,
    Shown.FAILED: Cause.READ_BACK_FAILED,
    Shown.CONTROL_FAILED: Cause.READ_BACK_CONTROL,
}


def _memory_growing(aggregate: Aggregate, warm_up_seconds: float) -> tuple[Diagnosis, ...]:
    points = [point for point in aggregate.target_memory.points if point[0] >= warm_up_seconds]
    sign = memory_sign(points)
    return () if sign is None else (_diagnosis(Cause.MEMORY_GROWING, sign, 0),)


def _high_error_rate(aggregate: Aggregate) -> tuple[Diagnosis, ...]:
    judged = Counts()
    for step in aggregate.steps:
        judged = judged.merge(step.judged)
    rate = judged.error_rate
    if rate is None or rate <= _HIGH_ERROR_RATE:
        return ()
    failed = judged.due - judged.accepted - judged.cancelled
    evidence = f"{failed:,} of {judged.due - judged.cancelled:,} uploads due were not accepted: {rate:.1%}"
    return (_diagnosis(Cause.HIGH_ERROR_RATE, evidence, failed),)


def _diagnosis(cause: Cause, evidence: str, count: int) -> Diagnosis:
    explained = explanation_of(cause)
    shown = clipped(evidence, _LONGEST_EVIDENCE)
    return Diagnosis(cause=cause, title=explained.title, evidence=shown, next_step=explained.next_step, count=count)


def _evidence(seen: CauseSeen, total: Counts) -> str:
    parts = [f"{seen.count:,} of {total.sent:,} uploads"]
    if seen.longest_seconds >= _TELLING_SECONDS:
        shortest, longest = f"{seen.shortest_seconds:.1f}", f"{seen.longest_seconds:.1f}"
        parts.append(f"after {shortest} s" if shortest == longest else f"after {shortest} to {longest} s")
    evidence = ", ".join(parts)
    return evidence if seen.example is None else f"{evidence}; {seen.example.address} {seen.example.text}"
