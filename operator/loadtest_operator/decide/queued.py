"""Before there is a fleet: what keeps a test from starting, and the making of its Job."""

from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.plan import Plan, PlanError, compile_plan, plan_hash
from loadtest_model.plan.notices import plan_notices
from loadtest_model.plan.variable import refuse_long_plan
from loadtest_model.reasons import Reason
from loadtest_model.report.status import ConditionType, Phase
from loadtest_model.spec import Spec
from loadtest_model.spec.pod import Mesh
from loadtest_model.spec.validation import broken_rules
from loadtest_operator.decide.actions import CreateJob, JobRefused
from loadtest_operator.decide.compose import base_status
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.ending import end_without_run
from loadtest_operator.decide.watching import watchable_look
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.mounts import secret_places
from loadtest_operator.facts.newer_fields import MOST_LISTED
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import instant, rfc3339
from loadtest_operator.facts.terminating import is_of_ending_namespace
from loadtest_operator.manifests import chosen_labels, job, network_policy
from loadtest_operator.manifests.pod_rules import refuse_pod
from loadtest_operator.policy.line import size_refusal
from loadtest_operator.policy.target_policy import target_refusal

_RETRY_SECONDS = 2.0


def begin_or_wait(observation: Observation, spec: Spec, policy: Policy) -> Decision:
    """What to do with a test that has no Job and never had one."""
    if spec.stop or spec.suspend:
        return _hold_back(observation, spec)
    not_permitted = _refuse_unpermitted(observation, spec, policy) or _wait_for_template(observation, policy)
    if not_permitted is not None:
        return not_permitted
    endpoints = observation.endpoints or Endpoints()
    try:
        plan = make_plan(observation, spec, policy, endpoints)
        refuse_pod(spec.pod, policy.pods.allowed_prefixes, policy.network)
    except PlanError as wrong:
        return end_without_run(observation, Verdict.FAILED, wrong.reason, str(wrong))
    too_large = size_refusal(plan.parallelism, policy.limits)
    if too_large:
        return end_without_run(observation, Verdict.FAILED, Reason.TooManyPods, too_large)
    not_yet = _wait_for_target_or_turn(observation, spec, endpoints, policy)
    if not_yet is not None:
        return not_yet
    marks = ConditionValues(verified=ConditionValue.unknown(Reason.NotVerified, "the target has not been verified yet"))
    # What is said of the phase becomes an Event as well.
    message = "; ".join(("the pods are being made", *plan_notices(plan)))
    status = base_status(observation, Phase.STARTING, message, marks, plan)
    return Decision(
        status=structs.replace(status, plan_hash=plan_hash(plan)),
        actions=(_job_creation(observation, plan, spec, policy),),
        requeue_seconds=1.0,
        plan=plan,
    )


def _hold_back(observation: Observation, spec: Spec) -> Decision:
    if spec.stop:
        message = "the test was stopped by spec.stop before it started"
        return end_without_run(observation, Verdict.INCONCLUSIVE, Reason.Stopped, message)
    message = "suspended; set spec.suspend to false to start"
    return Decision(
        base_status(
            observation,
            Phase.QUEUED,
            message,
            ConditionValues(verified=ConditionValue.unknown(Reason.Suspended, message)),
        )
    )


def _wait_for_template(observation: Observation, policy: Policy) -> Decision | None:
    """What to do without the ConfigMap that the test takes its columns from; None if it is there, or not needed."""
    template = observation.records_template
    if template is None or template.problem is None:
        return None
    mark = ConditionValue.false(template.problem, template.message)
    if template.is_lasting:
        return end_without_run(observation, Verdict.FAILED, mark.reason, mark.message, mark)
    return _wait_for_obstacle(observation, mark, policy, Verdict.FAILED)


def _wait_for_target_or_turn(
    observation: Observation, spec: Spec, endpoints: Endpoints, policy: Policy
) -> Decision | None:
    """What to do while there is nothing to load, or it is another test's turn; None once it may begin."""
    host = endpoints if endpoints.problem else observation.destinations.problem or endpoints
    without = _target_obstacle(observation, spec, host)
    if without is not None and host.is_lasting:
        return end_without_run(observation, Verdict.FAILED, without.reason, without.message, without)
    if observation.turn.reason is not None:
        return _wait_in_line(observation, observation.turn.reason, policy)
    return None if without is None else _wait_for_obstacle(observation, without, policy, Verdict.FAILED)


def _target_obstacle(observation: Observation, spec: Spec, endpoints: Endpoints) -> ConditionValue | None:
    """What is to be loaded, and what is to be watched, must be there."""
    if endpoints.problem:
        return ConditionValue.false(endpoints.problem, endpoints.message)
    if spec.target.workload is None:
        return None
    look = watchable_look(spec.target.workload, observation.workload)
    return ConditionValue.false(look.problem, look.message) if look.problem else None


def _job_creation(observation: Observation, plan: Plan, spec: Spec, policy: Policy) -> CreateJob:
    destinations = observation.destinations.places
    job_manifest = job(
        plan, spec, policy.pods, observation.target_identities, destinations[0] if destinations else None
    )
    if policy.network_policies is None:
        return CreateJob(job_manifest)
    bounds = network_policy(plan, destinations, policy.network_policies, chosen_labels(spec))
    return CreateJob(job_manifest, bounds)


def make_plan(observation: Observation, spec: Spec, policy: Policy, endpoints: Endpoints) -> Plan:
    """The plan of a test, short enough for a pod.

    Raises PlanError.
    """
    if observation.records_template is not None and observation.records_template.template is not None:
        spec = observation.records_template.template.complete(spec)
        # The API server has seen the reference alone.
        if faults := broken_rules(spec):
            raise PlanError(faults[0].rule.reason, faults[0].message)
    plan = compile_plan(
        spec,
        observation.test.identity,
        addresses=endpoints.addresses,
        places=secret_places(spec.target),
        network=structs.replace(policy.network, denied_endpoints=observation.api_server),
        deadlines=policy.deadlines,
    )
    plan = structs.replace(
        plan,
        command_digests=observation.command_digests,
        mesh=spec.pod.mesh == Mesh.ENABLED,
        unseen_endpoints=endpoints.may_be_hidden,
    )
    refuse_long_plan(plan)
    return plan


def retry_refused_job(observation: Observation, refused: JobRefused, policy: Policy) -> Decision:
    """The API server did not take the Job: say so, and try again for a while, since a quota may become free.

    An invalid Job stays invalid, so the test ends at once.
    """
    if is_of_ending_namespace(refused.message):
        message = f"namespace {observation.test.identity.namespace} is being deleted, so no pods are made in it"
        return end_without_run(observation, Verdict.INCONCLUSIVE, Reason.NamespaceTerminating, message)
    mark = ConditionValue.false(Reason.JobRefused, f"the Job was refused: {refused.message}")
    if refused.of_network_policy:
        message = f"the NetworkPolicy of the pods was refused: {refused.message}; or set pods.networkPolicy to false"
        mark = ConditionValue.false(Reason.NetworkPolicyRefused, message)
    if refused.is_invalid:
        return end_without_run(observation, Verdict.FAILED, mark.reason, mark.message, mark)
    return _wait_for_obstacle(observation, mark, policy, Verdict.INCONCLUSIVE)


def _wait_for_upgrade(observation: Observation, policy: Policy) -> Decision:
    """A field that this version does not know may matter to safety: only an operator that knows it may begin."""
    newer_fields = ", ".join(observation.test.newer_fields[:MOST_LISTED])
    message = f"this operator does not know {newer_fields}; it waits for the one that does, which an upgrade brings"
    return _wait_for_obstacle(
        observation, ConditionValue.false(Reason.SpecTooNew, message), policy, Verdict.INCONCLUSIVE
    )


def _refuse_unpermitted(observation: Observation, spec: Spec, policy: Policy) -> Decision | None:
    """What the installation does not let a test name: hosts, Secrets of which nobody asked who may read them, and
    what this operator does not know."""
    if observation.test.newer_fields:
        return _wait_for_upgrade(observation, policy)
    refused, secrets = target_refusal(spec, policy.targets), observation.secret_access
    if refused:
        mark = ConditionValue.false(Reason.TargetNotAllowed, refused)
        return end_without_run(observation, Verdict.FAILED, mark.reason, refused, mark)
    if not secrets.problem:
        return None
    mark = ConditionValue.false(secrets.problem, secrets.message)
    if secrets.is_lasting:
        return end_without_run(observation, Verdict.INCONCLUSIVE, mark.reason, mark.message, mark)
    return _wait_for_obstacle(observation, mark, policy, Verdict.INCONCLUSIVE)


def _wait_in_line(observation: Observation, reason: Reason, policy: Policy) -> Decision:
    """Wait for its turn, for so long at most: it is looked at again when its turn changes, or the wait is too long."""
    turn, recorded = observation.turn, observation.test.record
    since = recorded.queued_at or rfc3339(observation.now)
    waited = observation.seconds_since(instant(since))
    if waited >= policy.queued_seconds:
        message = f"{turn.message.partition(';')[0]}; it was not its turn within {policy.queued_seconds:g} s"
        return end_without_run(observation, Verdict.INCONCLUSIVE, Reason.QueuedTooLong, message)
    marks = ConditionValues(verified=ConditionValue.unknown(reason, turn.message))
    status = base_status(observation, Phase.QUEUED, turn.message, marks)
    return Decision(structs.replace(status, queued_at=since), requeue_seconds=max(1.0, policy.queued_seconds - waited))


def _wait_for_obstacle(observation: Observation, mark: ConditionValue, policy: Policy, verdict: Verdict) -> Decision:
    """Wait, for so long at most; the transition of `Verified` to False dates the beginning of the wait."""
    recorded = observation.test.record
    verified = recorded.condition(ConditionType.VERIFIED) if recorded.run_id == observation.run_id else None
    if verified is not None and verified.is_false:
        waited = observation.seconds_since(instant(verified.last_transition_time))
        if waited >= policy.waiting_seconds:
            message = f"{mark.message}; waited {policy.waiting_seconds:g} s for it"
            return end_without_run(
                observation, verdict, mark.reason, message, ConditionValue.false(mark.reason, message)
            )
    status = base_status(observation, Phase.QUEUED, mark.message, ConditionValues(verified=mark))
    return Decision(status, requeue_seconds=_RETRY_SECONDS)
