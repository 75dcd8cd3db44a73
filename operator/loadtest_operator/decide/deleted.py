"""A test that is deleted and still there, because somebody's finalizer keeps it: it ends as any other test does."""

from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase, Status
from loadtest_operator.decide.actions import Action, DeleteJob, DeleteNetworkPolicy
from loadtest_operator.decide.compose import base_status, verified_value
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import NO_RUN
from loadtest_operator.decide.fleet import join_names
from loadtest_operator.decide.stop_cause import recorded_cause
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten

_POLL_SECONDS = 1.0
_MESSAGE = "the test was deleted before it had ended"


def end_deleted(observation: Observation) -> Decision:
    """End a deleted test: its Jobs go first, then what bounds the network of its pods, and the status says so.

    The rest is the garbage collector's. A verdict that is on record stands.
    """
    jobs = [*observation.other_jobs, *((observation.job,) if observation.job else ())]
    jobs = [job for job in jobs if job.is_owned]
    present_names = [pod.name for pod in observation.pods if not (pod.has_ended or pod.is_left_behind)]
    actions: list[Action] = [DeleteJob(job.name, job.uid) for job in jobs if not job.is_deleting]
    has_remains = bool(jobs or present_names or observation.other_pods_active)
    if not has_remains:
        actions += [DeleteNetworkPolicy(policy.name, policy.uid) for policy in observation.network_policies]
    return Decision(
        _status(observation, present_names, has_remains=has_remains),
        actions=tuple(actions),
        requeue_seconds=_POLL_SECONDS if has_remains else None,
    )


def _status(observation: Observation, present_names: list[str], *, has_remains: bool) -> Status | None:
    if observation.test.record.phase is Phase.COMPLETED:
        return None
    cause = recorded_cause(observation)
    reason, message = (cause.reason, cause.message) if cause else (Reason.Deleted, _MESSAGE)
    stopped = ConditionValue.false(reason, message)
    if has_remains:
        waiting = f"; waiting for the end of {join_names(present_names)}" if present_names else ""
        marks = ConditionValues(verified=verified_value(observation), running=stopped)
        return base_status(observation, Phase.STOPPING, f"{message}{waiting}", marks)
    verdict = Verdict.FAILED if cause is not None and not cause.is_gap else Verdict.INCONCLUSIVE
    has_begun = observation.test.record.start is not None
    kept = ConditionValue.false(Reason.Deleted, "results of a deleted test are not kept") if has_begun else NO_RUN
    marks = ConditionValues(
        verified=verified_value(observation),
        running=stopped,
        results_complete=kept,
        completed=ConditionValue.true(Reason[verdict], message),
        succeeded=ConditionValue.false(reason, message),
    )
    return structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks),
        completed_at=rfc3339(observation.now),
        verdict=verdict,
        reasons=(shorten(message),),
    )
