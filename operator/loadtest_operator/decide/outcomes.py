"""What the doing of a decision changes in what is said."""

from dataclasses import replace

from msgspec import structs

from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase, Status
from loadtest_operator.decide.actions import JobRefused, Outcome, ResultsNotWritten, Started
from loadtest_operator.decide.compose import verified_mark
from loadtest_operator.decide.conditions import Mark, Marks, conditions
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.ending import results_not_written
from loadtest_operator.decide.queued import job_refused
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shortened


def with_outcomes(
    observation: Observation, decision: Decision, outcomes: tuple[Outcome, ...], policy: Policy
) -> Decision:
    """The decision with its status brought up to what became of its actions."""
    for outcome in outcomes:
        match outcome:
            case JobRefused():
                decision = job_refused(observation, outcome, policy)
            case Started() if decision.status is not None:
                decision = _replaced(decision, _started(observation, decision.status, outcome))
            case ResultsNotWritten() if decision.status is not None:
                decision = _replaced(decision, results_not_written(decision.status, outcome.message))
    return decision


def _started(observation: Observation, status: Status, outcome: Started) -> Status:
    if status.start is None:
        return status
    verified = verified_mark(observation)
    if outcome.missed:
        message = f"the start was not confirmed by {', '.join(outcome.missed[:5])}; the fleet was halted"
        marks = Marks(verified=verified, running=Mark.false(Reason.StartMissed, message))
        phase = Phase.STOPPING
    else:
        message = "the load runs"
        marks = Marks(verified=verified, running=Mark.true(Reason.Started, message))
        phase = Phase.RUNNING
    at = rfc3339(outcome.at)
    # Of pods that did not all begin there is no skew.
    skew = None if outcome.missed else outcome.skew_seconds
    return structs.replace(
        status,
        phase=phase,
        message=shortened(message),
        started_at=at,
        start=structs.replace(status.start, at=at, skew_seconds=skew),
        conditions=conditions(
            marks, observation.test.recorded.conditions, observation.now, observation.test.generation
        ),
    )


def _replaced(decision: Decision, status: Status) -> Decision:
    return replace(decision, status=status)
