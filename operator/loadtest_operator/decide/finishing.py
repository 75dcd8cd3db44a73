"""After the verdict is on record: its results are written, and then the test has completed.

The verdict that an operator wrote down stands, whatever another one still learns from the pods. And results that were
written once stay: whoever comes later can only know less of a run that is over.
"""

from dataclasses import replace
from typing import Final

import msgspec
import msgspec.inspect
from msgspec import structs

from loadtest_model.reasons import Reason
from loadtest_model.report.references import resolve_all
from loadtest_model.report.status import Condition, ConditionStatus, ConditionType, Phase, Status
from loadtest_model.report.summary import Summary
from loadtest_operator.decide.actions import WriteResults
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues, conditions, recorded_value
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import judge_run, results_of
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.stop_cause import StopCause
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten
from loadtest_operator.manifests import chosen_labels, results
from loadtest_operator.manifests.common import with_nulls

_RETRY_SECONDS: Final = 2.0
_STATUS_TYPE: Final = msgspec.inspect.type_info(Status)


def judged_status(observation: Observation) -> Status | None:
    """The status with the verdict, if this run was judged and has not completed."""
    record = observation.test.record
    if record.verdict is None or record.phase is Phase.COMPLETED:
        return None
    try:
        return msgspec.convert(with_nulls(resolve_all(observation.test.status), _STATUS_TYPE), Status)
    except msgspec.ValidationError:
        # What another writer spoiled is judged anew.
        return None


def finish(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...], judged: Status) -> Decision:
    """Write the results of a judged run, and say that the test has completed."""
    current, summary = judge_run(observation, fleet, causes)
    place = results_of(observation, fleet.plan)
    status = structs.replace(
        judged,
        phase=Phase.COMPLETED,
        completed_at=rfc3339(observation.now),
        conditions=_completed_conditions(observation, judged, current),
        results=place,
    )
    labels = chosen_labels(observation.test.spec)
    summary = _with_verdict(summary, judged)
    manifest = results(fleet.plan, fleet.aggregate, summary, place.config_map, labels=labels)
    return Decision(
        status=status,
        actions=(WriteResults(manifest),),
        requeue_seconds=0.0,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def keep_results(observation: Observation, status: Status) -> Status:
    """The same end, where the results had been written before: they are as complete as was written down then."""
    recorded = observation.test.record.condition(ConditionType.RESULTS_COMPLETE)
    if recorded is None or recorded.reason == Reason.ResultsNotWritten:
        return status
    return _with_results_condition(status, recorded.status, recorded.reason, recorded.message)


def finish_without_results(observation: Observation, decision: Decision, message: str) -> Decision:
    """Try again while pods linger, which keep what was measured; then the test completes, and the condition tells."""
    status = decision.status
    if status is None:
        return decision
    text = f"the results could not be written: {message}"
    if not any(pod.is_reachable and not pod.has_ended for pod in observation.pods):
        status = _with_results_condition(status, ConditionStatus.FALSE, Reason.ResultsNotWritten, text)
        return replace(decision, status=structs.replace(status, results=None))
    judged = judged_status(observation) or status
    text = f"{text}; it is tried again while the pods wait"
    waiting = _with_results_condition(judged, ConditionStatus.FALSE, Reason.ResultsNotWritten, text)
    return replace(decision, status=waiting, requeue_seconds=_RETRY_SECONDS)


def _completed_conditions(observation: Observation, judged: Status, current: Status) -> tuple[Condition, ...]:
    """The conditions on record with the end; how complete the results are is what is known now."""

    def recorded(kind: ConditionType, status: Status = judged) -> ConditionValue:
        return recorded_value(status.condition(kind), ConditionValue.unknown(Reason.InProgress))

    marks = ConditionValues(
        verified=recorded(ConditionType.VERIFIED),
        running=recorded(ConditionType.RUNNING),
        results_complete=recorded(ConditionType.RESULTS_COMPLETE, current),
        completed=ConditionValue.true(Reason[str(judged.verdict)], judged.message),
        succeeded=recorded(ConditionType.SUCCEEDED),
    )
    return conditions(marks, judged.conditions, observation.now, observation.test.generation)


def _with_verdict(summary: Summary, judged: Status) -> Summary:
    """The summary with the verdict on record, also if less is known by now."""
    if judged.verdict is None or judged.verdict is summary.verdict:
        return summary
    return structs.replace(
        summary,
        verdict=judged.verdict,
        reason_class=judged.reason_class or summary.reason_class,
        reasons=judged.reasons,
        health=judged.health or summary.health,
    )


def _with_results_condition(status: Status, value: ConditionStatus, reason: str, message: str) -> Status:
    changed = tuple(
        structs.replace(condition, status=value, reason=reason, message=shorten(message))
        if condition.type is ConditionType.RESULTS_COMPLETE
        else condition
        for condition in status.conditions
    )
    return structs.replace(status, conditions=changed)
