"""Deciding: from one observation to what is to be done and said. Pure; the phases stand in files of their own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.plan import Plan, PlanError
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase
from loadtest_operator.decide.actions import Action, DeleteJob, MarkFinished
from loadtest_operator.decide.causes import has_started, stop_causes
from loadtest_operator.decide.completed import complete_restored, finish_completed
from loadtest_operator.decide.compose import base_status
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.deleted import end_deleted
from loadtest_operator.decide.ending import conclude, end_without_run
from loadtest_operator.decide.finishing import finish, judged_status
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.following import endpoint_orders, without_departed
from loadtest_operator.decide.queued import begin_or_wait, make_plan
from loadtest_operator.decide.running import await_read_back, follow_load
from loadtest_operator.decide.stopping import stop_fleet
from loadtest_operator.decide.verifying import start_fleet, verify_fleet
from loadtest_operator.decide.watching import evictions_under_load, updated_watch
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import Observation, RecordedStatus

__all__ = ["Decision", "Policy", "decide", "may_begin", "urgent_orders", "without_departed"]

_CLEAN_UP_SECONDS = 0.5

DecisionRule = Callable[[Observation, Policy], Decision | None]


def decide(observation: Observation, policy: Policy) -> Decision:
    """What to do about a LoadTest, and what its status is to say: the first rule that applies."""
    observation = without_earlier_run(observation)
    for rule in RULES:
        decision = rule(observation, policy)
        if decision is not None:
            return decision
    return decide_with_fleet(observation, policy)


def without_earlier_run(observation: Observation) -> Observation:
    """The same without what an earlier run left on record, such as its start."""
    test = observation.test
    if test.record.run_id == observation.run_id:
        return observation
    blank = RecordedStatus(observed_generation=test.record.observed_generation)
    return replace(observation, test=replace(test, record=blank))


def end_deleted_test(observation: Observation, _policy: Policy) -> Decision | None:
    """Whatever keeps a deleted test there, such as somebody's finalizer, it loads no more."""
    return end_deleted(observation) if observation.test.is_deleting else None


def keep_ended(observation: Observation, policy: Policy) -> Decision | None:
    """A run that has completed is never started again, even if only the annotation tells of it."""
    recorded = observation.test.record
    if recorded.run_id == observation.run_id:
        return finish_completed(observation, policy) if recorded.phase is Phase.COMPLETED else None
    return complete_restored(observation) if observation.test.finished_run == observation.run_id else None


def forget_earlier_run(observation: Observation, _policy: Policy) -> Decision | None:
    """The annotation names the earlier run until a new one begins. Its change asks for the next turn by itself."""
    is_marked = observation.test.finished_run not in (None, observation.run_id)
    return Decision(actions=(MarkFinished(None),)) if is_marked else None


def await_earlier_run(observation: Observation, _policy: Policy) -> Decision | None:
    """Make room for a new run: the Jobs of earlier ones go first, and it waits until their pods are gone."""
    has_remains = bool(observation.other_jobs) or observation.other_pods_active
    if not has_remains or _has_begun(observation):
        return None
    actions: tuple[Action, ...] = tuple(
        DeleteJob(job.name, job.uid) for job in observation.other_jobs if not job.is_deleting
    )
    message = (
        "the pods of an earlier run of this test have not ended yet; it starts by itself when they have"
        if observation.other_pods_active
        else "the Job of an earlier run of this test is removed first; it starts by itself when that is done"
    )
    marks = ConditionValues(verified=ConditionValue.unknown(Reason.EarlierRunEnding, message))
    status = base_status(observation, Phase.QUEUED, message, marks)
    return Decision(status, actions=actions, requeue_seconds=_CLEAN_UP_SECONDS)


def end_unreadable_test(observation: Observation, _policy: Policy) -> Decision | None:
    if observation.test.spec is not None:
        return None
    message = f"the spec cannot be read: {observation.test.spec_error}"
    return end_without_run(observation, Verdict.FAILED, Reason.SpecInvalid, message)


def begin_test(observation: Observation, policy: Policy) -> Decision | None:
    """A test without a Job, unless one is on record: a Job that was made is never made again."""
    spec = observation.test.spec
    return None if spec is None or _has_begun(observation) else begin_or_wait(observation, spec, policy)


def may_begin(observation: Observation) -> bool:
    """Whether this decision may be the one to make the Job, so that it must be known whose turn it is."""
    observation = without_earlier_run(observation)
    test = observation.test
    over = test.record.phase is Phase.COMPLETED or test.finished_run == observation.run_id
    if over or test.is_deleting or observation.other_jobs or observation.other_pods_active:
        return False
    return test.spec is not None and not (test.spec.stop or test.spec.suspend or _has_begun(observation))


def _has_begun(observation: Observation) -> bool:
    recorded = observation.test.record
    on_record = recorded.run_id == observation.run_id and recorded.plan_hash is not None
    return observation.job is not None or on_record


def refuse_foreign_job(observation: Observation, _policy: Policy) -> Decision | None:
    job = observation.job
    if job is None or job.is_owned:
        return None
    message = f"there is a Job named {job.name} that belongs to something else; remove it or rename the test"
    return end_without_run(observation, Verdict.INCONCLUSIVE, Reason.JobNameTaken, message)


RULES: Final[tuple[DecisionRule, ...]] = (
    end_deleted_test,
    keep_ended,
    forget_earlier_run,
    await_earlier_run,
    end_unreadable_test,
    begin_test,
    refuse_foreign_job,
)


def decide_with_fleet(observation: Observation, policy: Policy) -> Decision:
    """What to do about a run whose Job was made."""
    try:
        plan = _plan_of_run(observation, policy)
    except PlanError as wrong:
        return end_without_run(observation, Verdict.FAILED, wrong.reason, str(wrong))
    fleet = add_target(observation, Fleet(plan, observation.pods, policy.lost_seconds, observation.series))
    return replace(_decide_for_fleet(observation, fleet, policy), target_watch=fleet.target_watch)


def add_target(observation: Observation, fleet: Fleet) -> Fleet:
    """The fleet with what is known of its target up to now; what its workload does after the load is left out."""
    target_watch = observation.target_watch or observation.test.record.target
    recorded_start = observation.test.record.start
    if recorded_start is None:
        return fleet
    fleet = replace(fleet, endpoints=observation.endpoints, evictions=evictions_under_load(observation, recorded_start))
    if target_watch is None:
        return fleet
    look = None if fleet.load_is_over else observation.workload
    return replace(fleet, target_watch=updated_watch(target_watch, look, fleet.elapsed_seconds, fleet.evictions.count))


def urgent_orders(observation: Observation, policy: Policy) -> tuple[Action, ...]:
    """What must not wait for the next turn, from the Job to the end of the load: news of the endpoints for the pods.

    All pods are told: what they have heard since the last look is not known.
    """
    if observation.job is None or observation.job.plan is None:
        return ()
    return endpoint_orders(observation, Fleet(observation.job.plan, observation.pods, policy.lost_seconds), to_all=True)


def _decide_for_fleet(observation: Observation, fleet: Fleet, policy: Policy) -> Decision:
    plan = fleet.plan
    causes = stop_causes(observation, fleet, policy)
    judged = judged_status(observation)
    if judged is not None:
        return finish(observation, fleet, causes, judged)
    if causes:
        return stop_fleet(observation, fleet, causes)
    if observation.test.record.start is None:
        return verify_fleet(observation, fleet)
    if not has_started(fleet):
        return start_fleet(observation, fleet)
    if len(fleet.pods) == plan.parallelism and all(pod.has_last_snapshot for pod in fleet.pods):
        return conclude(observation, fleet, ())
    return await_read_back(observation, fleet) if fleet.load_is_over else follow_load(observation, fleet, policy)


def _plan_of_run(observation: Observation, policy: Policy) -> Plan:
    """The plan that the pods were given; where the Job is gone, the same made again from the spec."""
    if observation.job is not None and observation.job.plan is not None:
        return observation.job.plan
    spec = observation.test.spec
    if spec is None:
        raise PlanError(Reason.SpecInvalid, observation.test.spec_error)
    template = observation.records_template
    if template is not None and template.template is None:
        # The ConfigMap with the columns is gone as well. No verdict depends on columns.
        spec = structs.replace(spec, records=structs.replace(spec.records, template=None))
    return make_plan(observation, spec, policy, Endpoints())
