"""How the outcomes of a decision's actions change its status."""

from dataclasses import replace

from msgspec import structs

from loadtest_model.reasons import Reason
from loadtest_model.report.status import LOAD_RUNS, Phase, Status
from loadtest_operator.decide.actions import (
    ActionOutcome,
    FleetStarted,
    JobRefused,
    ResultsExist,
    ResultsNotWritten,
    SkewBounded,
)
from loadtest_operator.decide.compose import verified_value
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues, conditions
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.finishing import finish_without_results, keep_results
from loadtest_operator.decide.queued import retry_refused_job
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten


def with_outcomes(
    observation: Observation, decision: Decision, outcomes: tuple[ActionOutcome, ...], policy: Policy
) -> Decision:
    """The decision with its status brought up to what became of its actions."""
    for outcome in outcomes:
        match outcome:
            case JobRefused():
                decision = retry_refused_job(observation, outcome, policy)
            case FleetStarted() if decision.status is not None:
                decision = _with_status(decision, _started_status(observation, decision.status, outcome))
            case SkewBounded() if decision.status is not None:
                decision = _with_status(decision, _with_skew(decision.status, outcome))
            case ResultsExist() if decision.status is not None:
                decision = _with_status(decision, keep_results(observation, decision.status))
            case ResultsNotWritten():
                decision = finish_without_results(observation, decision, outcome.message)
    return decision


def _started_status(observation: Observation, status: Status, outcome: FleetStarted) -> Status:
    if status.start is None:
        return status
    verified = verified_value(observation)
    if outcome.unconfirmed_pods:
        message = f"the start was not confirmed by {', '.join(outcome.unconfirmed_pods[:5])}; the fleet was halted"
        marks = ConditionValues(verified=verified, running=ConditionValue.false(Reason.StartMissed, message))
        phase = Phase.STOPPING
    else:
        message = LOAD_RUNS
        marks = ConditionValues(verified=verified, running=ConditionValue.true(Reason.Started, message))
        phase = Phase.RUNNING
    at = rfc3339(outcome.at)
    # If some pods did not begin, there is no skew.
    skew = None if outcome.unconfirmed_pods else outcome.skew_seconds
    return structs.replace(
        status,
        phase=phase,
        message=shorten(message),
        started_at=at,
        start=structs.replace(status.start, at=at, skew_seconds=skew),
        conditions=conditions(marks, observation.test.record.conditions, observation.now, observation.test.generation),
    )


def _with_skew(status: Status, outcome: SkewBounded) -> Status:
    if status.start is None:
        return status
    start = structs.replace(status.start, at=rfc3339(outcome.at), skew_seconds=outcome.skew_seconds)
    return structs.replace(status, start=start)


def _with_status(decision: Decision, status: Status) -> Decision:
    return replace(decision, status=status)
