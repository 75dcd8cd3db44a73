"""A status as it is written.

Every change is worth a write, except mere progress, which is written at intervals. If the status is larger than its
budget, parts that the results hold in full are left out. The least needed part goes first.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import structs

from loadtest_model.judgement.workload import points_text
from loadtest_model.report.status import STATUS_LIMIT_BYTES, ConditionType, Status
from loadtest_operator.decide.conditions import reason_of_phase
from loadtest_operator.facts.texts import shorten
from loadtest_operator.manifests.common import Json, without_nulls

# What moves with every look at a running test.
_MOVING: Final = ("progress", "health", "thresholds")
_MOVING_OF_TARGET: Final = ("pods", "ready", "notReadySeconds", "memoryBytes", "cpuCores", "notMeasurable", "tally")

_EVIDENCE_KEPT: Final = 4
_LISTED_KEPT: Final = 4
_THRESHOLDS_KEPT: Final = 16
_SHORT_TEXT: Final = 200
_SHORTEST_TEXT: Final = 60


def status_to_write(status: Status, previous: Json, progress_seconds: float) -> Json | None:
    """The status, within its budget and as JSON, if it should replace the one held, None if it should not."""
    status = structs.replace(status, reason=reason_of_phase(status.phase, status.conditions))
    new: Json = {**without_nulls(msgspec.to_builtins(within_limit(status))), "phase": str(status.phase)}
    if new == previous:
        return None
    if _steady(new) == _steady(previous):
        before, after = previous.get("progress"), new.get("progress")
        if before and after and before["step"] == after["step"]:
            # A first look long after the last write must not wait, nor one whose clock was set back.
            seconds_since_write = after["elapsedSeconds"] - before["elapsedSeconds"]
            return None if 0 <= seconds_since_write < progress_seconds else new
    return new


def _steady(status: Json) -> Json:
    """What of a status is news whenever it changes."""
    steady = {key: value for key, value in status.items() if key not in _MOVING}
    if "target" in steady:
        steady["target"] = {key: value for key, value in steady["target"].items() if key not in _MOVING_OF_TARGET}
    return steady


def within_limit(status: Status) -> Status:
    """The status within its budget, whatever the run."""
    for shorter in _SHORTER:
        if size_bytes(status) <= STATUS_LIMIT_BYTES:
            return status
        status = shorter(status)
    return status


def size_bytes(status: Status) -> int:
    """How much a status takes at most in the resource."""
    return len(msgspec.json.encode(status))


def essential(status: Status) -> Status:
    """The status without what only informs: enough for every wait to end and for the run never to start again."""
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
        target=status.target,
        evicted=status.evicted,
        results=status.results,
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


def _without_step_summaries(status: Status) -> Status:
    """What each step came to stays in `steps`, and the thresholds stay in the status itself."""
    if status.summary is None:
        return status
    return structs.replace(status, summary=structs.replace(status.summary, steps=(), thresholds=()))


def _with_little_evidence(status: Status) -> Status:
    if status.health is None:
        return status
    health = structs.replace(status.health, evidence=status.health.evidence[:_EVIDENCE_KEPT])
    summary = status.summary and structs.replace(status.summary, health=health)
    return structs.replace(status, health=health, summary=summary)


def _with_one_image(status: Status) -> Status:
    if status.target is None:
        return status
    target = structs.replace(status.target, images=status.target.images[:1], new_images=status.target.new_images[:1])
    summary = status.summary
    if summary is not None:
        summary = structs.replace(summary, target=structs.replace(summary.target, images=summary.target.images[:1]))
    return structs.replace(status, target=target, summary=summary)


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
    summary = status.summary
    if summary is not None:
        summary = structs.replace(summary, reasons=summary.reasons[:_LISTED_KEPT])
    reasons = status.reasons[:_LISTED_KEPT]
    return structs.replace(status, verification=verification, summary=summary, reasons=reasons)


def _with_short_repeats(status: Status) -> Status:
    """`Ready` and `Stalled` say what `Succeeded` does, and the summary says of a refusal what stands beside it."""
    conditions = tuple(
        structs.replace(condition, message=shorten(condition.message, _SHORT_TEXT))
        if condition.type in _REPEATING
        else condition
        for condition in status.conditions
    )
    summary, verification = status.summary, status.verification
    if summary is not None:
        # The reasons of the whole run stand in the status itself.
        new = tuple(each for each in summary.diagnoses if verification is None or each.next_step != verification.hint)
        summary = structs.replace(summary, reasons=(), diagnoses=new)
    return structs.replace(status, conditions=conditions, summary=summary)


def _with_short_texts(status: Status) -> Status:
    return _cut(status, _SHORT_TEXT)


def _without_summary(status: Status) -> Status:
    return structs.replace(status, summary=None)


def _essential_with_shortest_texts(status: Status) -> Status:
    return _cut(essential(status), _SHORTEST_TEXT)


_REPEATING: Final = frozenset({ConditionType.READY, ConditionType.STALLED})

_SHORTER: Final[tuple[Callable[[Status], Status], ...]] = (
    _without_stages,
    _with_short_repeats,
    _with_one_diagnosis,
    _without_step_summaries,
    _with_little_evidence,
    _with_one_image,
    _with_fewer_points,
    _with_worst_thresholds,
    _with_short_lists,
    _with_short_texts,
    _with_fewer_points,
    _without_summary,
    _with_fewer_points,
    _essential_with_shortest_texts,
)


def _cut(status: Status, characters: int) -> Status:
    """The same with every text cut; names, ids and addresses are shorter than what is left of one.

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
