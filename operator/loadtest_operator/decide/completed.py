"""After the end: pods are let go, what will not go is removed, and nothing ever starts again."""

from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase
from loadtest_operator.decide.actions import (
    Acknowledge,
    Action,
    DeleteJob,
    DeleteNetworkPolicy,
    HaltFleet,
    MarkFinished,
    ObserveGeneration,
)
from loadtest_operator.decide.afterwards import decide_aftermath
from loadtest_operator.decide.compose import base_status
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.facts.observation import Observation, ObservedJob, ObservedPod
from loadtest_operator.facts.resources import instant, rfc3339
from loadtest_operator.manifests.common import Json

_POLL_SECONDS = 1.0


def finish_completed(observation: Observation, policy: Policy) -> Decision:
    """What is left to do of a test whose end is on record. Of its status only the generation follows.

    A pod whose sidecar lives on would keep the Job from ever ending, so both are removed; their verdict is written.
    """
    actions: list[Action] = []
    if observation.test.finished_run != observation.run_id:
        actions.append(MarkFinished(observation.run_id))
    if observation.test.record.observed_generation != observation.test.generation:
        actions.append(ObserveGeneration(observation.test.generation, _observed_conditions(observation)))
    live = tuple(pod for pod in observation.pods if pod.is_reachable and pod.snapshot is not None)
    final = tuple(pod for pod in live if pod.snapshot is not None and pod.snapshot.final)
    stray = tuple(pod for pod in live if pod.state is not None and not pod.state.is_end)
    if final:
        actions.append(Acknowledge(final))
    if stray:
        actions.append(HaltFleet(stray, "the test has completed without this pod"))
    job = observation.job
    present = [pod for pod in observation.pods if not (pod.has_ended or (pod.is_left_behind and not pod.is_reachable))]
    lingering = not present and any(pod.has_lingering_sidecar for pod in observation.pods)
    if (
        job is not None
        and not job.is_deleting
        and (lingering or (present and _must_delete_job(observation, job, present, policy)))
    ):
        actions.append(DeleteJob(job.name, job.uid))
    if not present:
        actions += [
            DeleteNetworkPolicy(network_policy.name, network_policy.uid)
            for network_policy in observation.network_policies
        ]
    is_settled = not present and not lingering
    if any(isinstance(action, MarkFinished | ObserveGeneration) for action in actions):
        # Each of these is a change of the resource, which asks for the next turn by itself.
        return Decision(
            actions=tuple(actions), requeue_seconds=None if is_settled else _POLL_SECONDS, is_settled=is_settled
        )
    aftermath = decide_aftermath(observation, is_settled=is_settled)
    return Decision(
        actions=(*actions, *aftermath.actions),
        requeue_seconds=aftermath.requeue_seconds if is_settled else _POLL_SECONDS,
        afterwards=aftermath.afterwards,
        is_settled=is_settled,
    )


def _observed_conditions(observation: Observation) -> tuple[Json, ...]:
    """The conditions as they stand, of the new generation: kubectl waits for one that is not older than the spec."""
    generation = observation.test.generation
    return tuple(
        {**condition, "observedGeneration": generation} for condition in observation.test.status.get("conditions", ())
    )


def complete_restored(observation: Observation) -> Decision:
    """A resource restored without its status: the annotation tells that this run is over."""
    message = (
        f"run {observation.run_id} of this test finished earlier and its status was not kept; set another spec.runId"
        " to run again"
    )
    marks = ConditionValues(
        verified=ConditionValue.unknown(Reason.FinishedEarlier),
        results_complete=ConditionValue.unknown(Reason.FinishedEarlier),
        completed=ConditionValue.true(Reason.Inconclusive, message),
        succeeded=ConditionValue.false(Reason.FinishedEarlier, message),
    )
    status = structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks),
        completed_at=rfc3339(observation.now),
        verdict=Verdict.INCONCLUSIVE,
        # Nobody knows any more whether it loaded.
        reason_class=ReasonClass.LOAD,
        reasons=(message,),
    )
    return Decision(status)


def _must_delete_job(observation: Observation, job: ObservedJob, present: list[ObservedPod], policy: Policy) -> bool:
    """Whether pods are left that no acknowledgement can end: those that never ran, and those long silent."""
    if job.has_ended:
        return False
    if any(not pod.is_running for pod in present):
        return True
    ended_at = observation.test.record.completed_at
    return ended_at is None or observation.seconds_since(instant(ended_at)) > policy.deadlines.linger_seconds
