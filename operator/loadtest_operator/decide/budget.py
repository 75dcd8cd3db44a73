"""A status within its budget, whatever the run.

If a status is larger than its budget, parts that the results hold in full are left out. The least needed part goes
first.

A text stands once, whole. Evidence is cut before what a reader has to know or do.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import structs

from loadtest_model.judgement.workload import points_text
from loadtest_model.report.references import refer_to
from loadtest_model.report.status import STATUS_LIMIT_BYTES, Phase, Status, StatusVerification
from loadtest_model.report.status_summary import round_figure
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.thresholds.comparison import Comparison
from loadtest_operator.facts.texts import shorten

_EVIDENCE_KEPT: Final = 4
_LISTED_KEPT: Final = 4
_THRESHOLDS_KEPT: Final = 16
_SHORT_TEXT: Final = 200
_SHORTEST_TEXT: Final = 60


def within_limit(status: Status) -> Status:
    """The status within its budget, whatever the run, with each text once."""
    status = once(status)
    for shorter in _SHORTER:
        if size_bytes(status) <= STATUS_LIMIT_BYTES:
            return status
        status = shorter(status)
    return status


def size_bytes(status: Status) -> int:
    """How much a status takes at most in the resource."""
    return len(msgspec.json.encode(status))


def once(status: Status) -> Status:
    """The status in which each text stands once, whole, and each threshold: others refer to the message."""

    def refer(text: str) -> str:
        return refer_to(status.message, text, is_final=status.phase is Phase.COMPLETED)

    health, verification, summary, plan = status.health, status.verification, status.summary, status.plan
    if health is not None:
        health = structs.replace(health, evidence=tuple(map(refer, health.evidence)))
    if verification is not None:
        verification = structs.replace(
            verification,
            message=refer(verification.message),
            hint=refer(verification.hint),
            read_back=refer(verification.read_back),
            notice=refer(verification.notice),
        )
    if summary is not None:
        diagnoses = (
            structs.replace(each, evidence=refer(each.evidence), next_step=refer(each.next_step))
            for each in summary.diagnoses
        )
        summary = structs.replace(summary, diagnoses=tuple(diagnoses))
    capacity = status.capacity
    if capacity is not None:
        capacity = structs.replace(capacity, limit=refer(capacity.limit))
    if plan is not None and status.thresholds:
        plan = structs.replace(plan, steps=tuple(structs.replace(step, thresholds=()) for step in plan.steps))
    return structs.replace(
        status,
        conditions=tuple(structs.replace(each, message=refer(each.message)) for each in status.conditions),
        reasons=tuple(map(refer, status.reasons)),
        thresholds=tuple(map(_rounded, status.thresholds)),
        capacity=capacity,
        health=health,
        verification=verification,
        summary=summary,
        plan=plan,
    )


def _rounded(result: ThresholdResult) -> ThresholdResult:
    return structs.replace(
        result,
        value=round_figure(result.value),
        low=round_figure(result.low),
        high=round_figure(result.high),
        baseline=_rounded_comparison(result.baseline) if result.baseline else None,
    )


def _rounded_comparison(comparison: Comparison) -> Comparison:
    return structs.replace(
        comparison, **{name: round_figure(getattr(comparison, name)) for name in ("value", "low", "high", "bound")}
    )


def essential(status: Status) -> Status:
    """The status without what only informs: enough for every wait to end and for the run never to start again.

    It says why the test stands where it does, what to do, and which rows may be stored.
    """
    verification = status.verification
    if verification is not None:
        verification = StatusVerification(
            level=verification.level,
            canary_ids=verification.canary_ids[:_LISTED_KEPT],
            id_column=verification.id_column,
        )
    return Status(
        observed_generation=status.observed_generation,
        phase=status.phase,
        reason=status.reason,
        message=status.message,
        run_id=status.run_id,
        plan_hash=status.plan_hash,
        queued_at=status.queued_at,
        started_at=status.started_at,
        completed_at=status.completed_at,
        conditions=status.conditions,
        verdict=status.verdict,
        reason_class=status.reason_class,
        start=status.start,
        verification=verification,
        capacity=status.capacity,
        target=status.target,
        evicted=status.evicted,
        results=status.results,
        messages=status.messages,
    )


def _without_stages(status: Status) -> Status:
    if status.plan is None:
        return status
    steps = tuple(structs.replace(step, stages=()) for step in status.plan.steps)
    return structs.replace(status, plan=structs.replace(status.plan, steps=steps))


def _with_one_diagnosis(status: Status) -> Status:
    if status.summary is None:
        return status
    return structs.replace(status, summary=structs.replace(status.summary, diagnoses=status.summary.diagnoses[:1]))


def _with_little_evidence(status: Status) -> Status:
    if status.health is None:
        return status
    return structs.replace(
        status, health=structs.replace(status.health, evidence=status.health.evidence[:_EVIDENCE_KEPT])
    )


def _with_one_image(status: Status) -> Status:
    if status.target is None:
        return status
    target = structs.replace(status.target, images=status.target.images[:1], new_images=status.target.new_images[:1])
    return structs.replace(status, target=target)


def _with_fewer_points(status: Status) -> Status:
    if status.target is None or status.target.tally is None:
        return status
    fewer = structs.replace(status.target.tally, memory=points_text(status.target.memory_points[::2]))
    return structs.replace(status, target=structs.replace(status.target, tally=fewer))


def _with_worst_thresholds(status: Status) -> Status:
    """The breached ones first, then those without a value; their order stays."""
    worst = sorted(status.thresholds, key=lambda result: (result.passed is None, result.passed is True))
    shown_results = worst[:_THRESHOLDS_KEPT]
    plan = status.plan
    if plan is not None:
        plan = structs.replace(plan, steps=tuple(structs.replace(step, thresholds=()) for step in plan.steps))
    thresholds = tuple(result for result in status.thresholds if result in shown_results)[:_THRESHOLDS_KEPT]
    return structs.replace(status, plan=plan, thresholds=thresholds)


def _with_short_lists(status: Status) -> Status:
    verification = status.verification
    if verification is not None:
        verification = structs.replace(
            verification,
            canary_ids=verification.canary_ids[:_LISTED_KEPT],
            addresses=verification.addresses[:_LISTED_KEPT],
            unverified=verification.unverified[:_LISTED_KEPT],
            vanished=verification.vanished[:_LISTED_KEPT],
        )
    return structs.replace(status, verification=verification, reasons=status.reasons[:_LISTED_KEPT])


def _with_short_evidence(status: Status) -> Status:
    """What was seen is cut, and what else was found; the message, hints and rows stay whole."""

    def cut(text: str) -> str:
        return shorten(text, _SHORT_TEXT)

    health, summary, capacity = status.health, status.summary, status.capacity
    if health is not None:
        health = structs.replace(health, evidence=tuple(map(cut, health.evidence)))
    if capacity is not None:
        capacity = structs.replace(capacity, limit=cut(capacity.limit))
    if summary is not None:
        diagnoses = tuple(structs.replace(each, evidence=cut(each.evidence)) for each in summary.diagnoses)
        summary = structs.replace(summary, diagnoses=diagnoses)
    reasons = tuple(map(cut, status.reasons))
    return structs.replace(status, health=health, capacity=capacity, summary=summary, reasons=reasons)


def _without_summary(status: Status) -> Status:
    return structs.replace(status, summary=None)


def _without_glance(status: Status) -> Status:
    return structs.replace(status, at_a_glance=())


def _with_short_limit(status: Status) -> Status:
    """What limited a climb is cut before the message is, which says why the test stands where it does."""
    if status.capacity is None:
        return status
    limit, notice = (shorten(text, _SHORTEST_TEXT) for text in (status.capacity.limit, status.capacity.notice))
    return structs.replace(status, capacity=structs.replace(status.capacity, limit=limit, notice=notice))


def _with_shorter_texts(status: Status) -> Status:
    return _cut(essential(status), 2 * _SHORT_TEXT)


def _with_shortest_texts(status: Status) -> Status:
    return _cut(status, _SHORTEST_TEXT)


_SHORTER: Final[tuple[Callable[[Status], Status], ...]] = (
    _without_stages,
    _with_one_diagnosis,
    _with_little_evidence,
    _with_one_image,
    _with_fewer_points,
    _with_worst_thresholds,
    _with_short_lists,
    _with_short_evidence,
    _with_fewer_points,
    _without_summary,
    _without_glance,
    _with_fewer_points,
    essential,
    _with_short_limit,
    _with_shorter_texts,
    _with_shortest_texts,
)


def _cut(status: Status, characters: int) -> Status:
    """The same with the middle of every text cut; names, ids and addresses are shorter than what is left of one.

    What counting the target's restarts goes on from stays as it is.
    """

    def cut(document: Any) -> Any:
        if isinstance(document, str):
            return shorten(document, characters)
        if isinstance(document, dict):
            return {key: cut(value) for key, value in document.items()}
        return [cut(value) for value in document] if isinstance(document, list | tuple) else document

    short_status = msgspec.convert(cut(msgspec.to_builtins(structs.replace(status, target=None))), Status)
    return structs.replace(short_status, target=status.target)
