"""Deciding from a new LoadTest to the point of no return."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.plan import Plan, plan_hash
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_operator.decide import Decision, Policy, decide, may_begin
from loadtest_operator.decide.actions import (
    CreateJob,
    DeleteJob,
    DeleteNetworkPolicy,
    HaltFleet,
    JobRefused,
    StartFleet,
    Verify,
)
from loadtest_operator.decide.outcomes import with_outcomes
from loadtest_operator.facts.destinations import Destination, Destinations
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.names import TARGET_ANNOTATION
from loadtest_operator.facts.observation import Observation, ObservedNetworkPolicy
from loadtest_operator.facts.secret_access import SecretAccess, unchecked_access
from loadtest_operator.manifests import NetworkPolicyDefaults
from loadtest_operator.policy.line import Limits, Turn
from support.builders import URL
from support.operator_builders import (
    NOW,
    PLAN,
    POLICY,
    VIOLATION,
    a_fleet_spec,
    a_halted_pod,
    a_job,
    a_killed_pod,
    a_new_observation,
    a_pending_pod,
    a_pod,
    a_silent_pod,
    a_test,
    an_observation,
    decide_end,
    decide_on_record,
    next_observation,
)

NO_ENDPOINTS = Endpoints(problem=Reason.TargetHasNoEndpoints, message="Service shop/clients has no ready endpoint")


DOLLARS = {f"x-price-{number}": "$" * 1_024 for number in range(16)}
LEFT = {"other_jobs": (a_job(name="heavy-0", run_id="0"),), "other_pods_active": True}


def status_of(decision: Decision) -> Status:
    assert decision.status is not None
    return decision.status


def decided(observation: Observation) -> Status:
    return status_of(decide(observation, POLICY))


def reason(status: Status, kind: ConditionType) -> str:
    condition = status.condition(kind)
    assert condition is not None
    return condition.reason


def test_a_new_test_gets_its_job_and_its_plan_on_record() -> None:
    decision = decide(a_new_observation(), POLICY)

    (action,) = decision.actions
    assert isinstance(action, CreateJob)
    assert decision.plan is not None
    status = status_of(decision)
    assert (status.phase, status.run_id) == (Phase.STARTING, "1")
    assert status.plan_hash == plan_hash(decision.plan)
    assert decision.plan.target.addresses == ("10.0.0.5:8000",)


def test_a_test_whose_phones_will_come_again_says_so_before_it_starts() -> None:
    load = {"batchSize": 10_000, "duration": "10s", "virtualUsers": 2}
    status = status_of(decide(a_new_observation(a_fleet_spec(load=load, records={"contact": "reserved"})), POLICY))

    assert status.message.startswith("the pods are being made; phones come again from about 2,788 records on")


def test_a_suspended_test_waits_without_an_action() -> None:
    decision = decide(a_new_observation(a_fleet_spec(suspend=True)), POLICY)

    assert decision.actions == ()
    assert decision.requeue_seconds is None
    assert status_of(decision).phase is Phase.QUEUED
    assert "suspend" in status_of(decision).message


def test_a_test_stopped_before_it_started_ends_inconclusive_without_a_job() -> None:
    decision = decide(a_new_observation(a_fleet_spec(stop=True)), POLICY)

    assert decision.actions == ()
    status = status_of(decision)
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert reason(status, ConditionType.SUCCEEDED) == "Stopped"
    assert status.reason_class is ReasonClass.PREVENTED


def test_a_service_without_endpoints_is_waited_for() -> None:
    decision = decide(a_new_observation(endpoints=NO_ENDPOINTS), POLICY)

    assert decision.actions == ()
    assert decision.requeue_seconds is not None
    status = status_of(decision)
    assert status.phase is Phase.QUEUED
    assert reason(status, ConditionType.VERIFIED) == "TargetHasNoEndpoints"


def test_the_wait_for_endpoints_is_bounded_and_ends_failed() -> None:
    observation = a_new_observation(endpoints=NO_ENDPOINTS)
    first = decide(observation, POLICY)

    just_before = next_observation(observation, first, now=NOW + timedelta(seconds=POLICY.waiting_seconds - 1))
    after = next_observation(observation, first, now=NOW + timedelta(seconds=POLICY.waiting_seconds))

    assert decided(just_before).phase is Phase.QUEUED
    status = decided(after)
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert reason(status, ConditionType.SUCCEEDED) == "TargetHasNoEndpoints"


def test_the_time_spent_suspended_does_not_count_as_waiting_for_endpoints() -> None:
    observation = a_new_observation(a_fleet_spec(suspend=True), endpoints=NO_ENDPOINTS)
    suspended = decide(observation, POLICY)
    an_hour_later = next_observation(observation, suspended, now=NOW + timedelta(hours=1))

    resumed = replace(an_hour_later, test=replace(an_hour_later.test, spec=a_fleet_spec()))

    assert decided(resumed).phase is Phase.QUEUED


def test_an_external_name_is_refused_at_once() -> None:
    refused = Endpoints(problem=Reason.ExternalNameRefused, message="no", is_lasting=True)

    status = decided(a_new_observation(endpoints=refused))

    assert (status.verdict, reason(status, ConditionType.SUCCEEDED)) == (Verdict.FAILED, "ExternalNameRefused")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"load": {"batchSize": 10, "duration": "10s", "virtualUsers": 1}}, "ParallelismAboveVirtualUsers"),
        ({"thresholds": ["latency < 1s"]}, "ThresholdInvalid"),
        ({"load": {"batchSize": 10, "duration": "10s", "virtualUsers": 2, "warmUp": "10s"}}, "WarmUpTooLong"),
        ({"records": {"fields": {"add": [{"name": "x", "kind": "faker", "provider": "compny"}]}}}, "RecordsInvalid"),
        ({"target": {"url": URL, "formFields": DOLLARS, "headers": DOLLARS}}, "PlanTooLarge"),
    ],
)
def test_a_spec_that_cannot_be_run_fails_with_its_reason_and_no_job(fields: dict[str, object], expected: str) -> None:
    decision = decide(a_new_observation(a_fleet_spec(**fields)), POLICY)

    assert decision.actions == ()
    assert status_of(decision).verdict is Verdict.FAILED
    assert status_of(decision).reason_class is ReasonClass.MISCONFIGURED
    assert reason(status_of(decision), ConditionType.SUCCEEDED) == expected


def test_a_refused_job_is_tried_again_and_ends_inconclusive_in_the_end() -> None:
    observation = a_new_observation()
    decision = decide(observation, POLICY)
    refused = JobRefused("exceeded quota: pods")

    waiting = with_outcomes(observation, decision, (refused,), POLICY)
    late = next_observation(observation, waiting, now=NOW + timedelta(seconds=POLICY.waiting_seconds))
    given_up = with_outcomes(late, decide(late, POLICY), (refused,), POLICY)

    assert status_of(waiting).phase is Phase.QUEUED
    assert status_of(waiting).plan_hash is None
    assert "exceeded quota" in status_of(waiting).message
    assert status_of(given_up).verdict is Verdict.INCONCLUSIVE
    assert reason(status_of(given_up), ConditionType.SUCCEEDED) == "JobRefused"


@pytest.mark.parametrize(
    ("of_network_policy", "expected"), [(False, "JobRefused"), (True, "NetworkPolicyRefused")], ids=["Job", "policy"]
)
def test_what_is_refused_as_invalid_ends_the_test_at_once_before_anything_is_loaded(
    of_network_policy: bool, expected: str
) -> None:
    observation = a_new_observation()
    refused = JobRefused("spec.template: Invalid value", of_network_policy=of_network_policy, is_invalid=True)

    ended = status_of(with_outcomes(observation, decide(observation, POLICY), (refused,), POLICY))

    assert (ended.phase, ended.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert reason(ended, ConditionType.SUCCEEDED) == expected
    assert reason(ended, ConditionType.RESULTS_COMPLETE) == "NoRun"
    assert "spec.template: Invalid value" in ended.message
    assert ended.plan_hash is None


def test_the_network_policy_of_the_pods_is_made_with_the_job_where_the_installation_wants_it() -> None:
    destination = Destination(namespace="shop", labels={"app": "clients"}, ports=(8000,))
    policy = replace(POLICY, network_policies=NetworkPolicyDefaults("loadtest-system", {"app": "operator"}))

    (wanted,) = decide(a_new_observation(destinations=Destinations((destination,))), policy).actions
    (unwanted,) = decide(a_new_observation(destinations=Destinations((destination,))), POLICY).actions

    assert isinstance(wanted, CreateJob)
    assert wanted.network_policy is not None
    pods = wanted.manifest["spec"]["template"]
    assert wanted.network_policy["spec"]["podSelector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    assert wanted.network_policy["metadata"]["ownerReferences"] == wanted.manifest["metadata"]["ownerReferences"]
    assert pods["spec"]["affinity"]["podAntiAffinity"]
    assert isinstance(unwanted, CreateJob)
    assert unwanted.network_policy is None


def test_a_refused_network_policy_says_which_setting_does_without() -> None:
    observation = a_new_observation()

    waiting = with_outcomes(
        observation, decide(observation, POLICY), (JobRefused("no right", of_network_policy=True),), POLICY
    )

    assert reason(status_of(waiting), ConditionType.VERIFIED) == "NetworkPolicyRefused"
    assert "pods.networkPolicy" in status_of(waiting).message


def test_a_pod_that_the_installation_does_not_allow_ends_the_test_before_there_is_a_job() -> None:
    decision = decide(a_new_observation(a_fleet_spec(pod={"labels": {"example.com/team": "a"}})), POLICY)

    assert decision.actions == ()
    assert status_of(decision).verdict is Verdict.FAILED
    assert reason(status_of(decision), ConditionType.SUCCEEDED) == "PodLabelRefused"


def test_while_pods_are_pending_the_status_says_what_they_wait_for() -> None:
    decision = decide(an_observation(a_pending_pod(0, "ErrImagePull: no such image"), a_pending_pod(1)), POLICY)

    status = status_of(decision)
    assert (status.phase, decision.actions) == (Phase.STARTING, ())
    assert "0 of 2 pods run" in status.message
    assert "ErrImagePull: no such image" in status.message


def test_pods_that_do_not_run_in_time_end_the_test_inconclusive() -> None:
    job = a_job(age_seconds=POLICY.starting_seconds)

    explained = status_of(
        decide_end(an_observation(a_pending_pod(0, "Unschedulable: no node fits"), a_pending_pod(1), job=job))
    )
    silent = status_of(decide_end(an_observation(a_pending_pod(0), job=job)))

    for status, expected in ((explained, "Unschedulable"), (silent, "PodsNotStarted")):
        assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
        assert reason(status, ConditionType.SUCCEEDED) == expected
    assert "no node fits" in explained.message
    assert "spec.pod.nodeSelector" in explained.message


def test_pod_0_verifies_first_and_alone() -> None:
    decision = decide(an_observation(a_pod(0, PodState.WAITING), a_pod(1, PodState.WAITING)), POLICY)

    (action,) = decision.actions
    assert isinstance(action, Verify)
    assert [pod.index for pod in action.pods] == [0]
    assert status_of(decision).phase is Phase.VERIFYING


def test_nobody_else_verifies_while_pod_0_does() -> None:
    decision = decide(an_observation(a_pod(0, PodState.VERIFYING), a_pod(1, PodState.WAITING)), POLICY)

    assert decision.actions == ()


def test_the_others_verify_once_pod_0_has_proved_the_target() -> None:
    decision = decide(an_observation(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.WAITING)), POLICY)

    (action,) = decision.actions
    assert isinstance(action, Verify)
    assert [pod.index for pod in action.pods] == [1]


def test_a_refused_verification_halts_the_others() -> None:
    decision = decide(an_observation(a_pod(0, PodState.REFUSED), a_pod(1, PodState.WAITING)), POLICY)

    (action,) = decision.actions
    assert isinstance(action, HaltFleet)
    assert [pod.index for pod in action.pods] == [1]
    assert status_of(decision).phase is Phase.STOPPING


def test_a_refused_verification_ends_failed_with_its_reason_its_hint_and_the_canary() -> None:
    pods = (a_pod(0, PodState.REFUSED), a_halted_pod(1, HaltReason.OPERATOR))

    status = status_of(decide_end(an_observation(*pods)))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert reason(status, ConditionType.VERIFIED) == "LoadTestHeaderIgnored"
    assert reason(status, ConditionType.SUCCEEDED) == "LoadTestHeaderIgnored"
    assert "Honour X-Load-Test." in status.message
    assert status.verification is not None
    assert status.verification.canary_ids == ("CANARY1",)


def test_a_refused_verification_has_no_reason_but_the_refusal_and_nothing_of_a_load() -> None:
    status = decided(an_observation(a_pod(0, PodState.REFUSED), a_halted_pod(1, HaltReason.OPERATOR)))

    assert len(status.reasons) == 1, status.reasons
    assert (status.reason_class, status.thresholds, status.health) == (ReasonClass.REFUSED, (), None)
    assert status.summary is not None


def test_a_refusal_does_not_wait_for_a_pod_that_never_ran() -> None:
    status = status_of(decide_end(an_observation(a_pod(0, PodState.REFUSED), a_pending_pod(1))))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAILED)


def test_the_point_of_no_return_is_written_before_any_pod_is_armed() -> None:
    observation = an_observation(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED))

    first = decide(observation, POLICY)
    second = decide(next_observation(observation, first), POLICY)

    assert first.actions == ()
    assert status_of(first).start is not None
    assert status_of(first).plan_hash == plan_hash(PLAN)
    assert first.requeue_seconds == 0.0
    (action,) = second.actions
    assert isinstance(action, StartFleet)
    assert [pod.index for pod in action.pods] == [0, 1]
    assert action.plan_hash == plan_hash(PLAN)


def test_a_start_waits_until_every_pod_is_reachable() -> None:
    pods = (a_pod(0, PodState.VERIFIED), a_silent_pod(1, 3.0, PodState.VERIFIED))

    decision = decide(an_observation(*pods, begun=True), POLICY)

    assert decision.actions == ()
    assert decision.requeue_seconds is not None


def test_a_container_that_crashes_ends_the_test_with_what_it_said() -> None:
    dead = a_killed_pod(0, None, exit_code=127)
    assert dead.container_end is not None
    dead = replace(dead, container_end=replace(dead.container_end, message="loadgen: not found"))

    status = decided(an_observation(dead, a_pending_pod(1)))

    assert (status.verdict, reason(status, ConditionType.SUCCEEDED)) == (Verdict.INCONCLUSIVE, "PodCrashed")
    assert "loadgen: not found" in status.message


def test_a_pod_that_never_answers_is_explained_as_blocked_control() -> None:
    silent = a_silent_pod(1, POLICY.control_seconds, None)

    decision = decide(an_observation(a_pod(0, PodState.VERIFIED), silent), POLICY)

    running = status_of(decision).condition(ConditionType.RUNNING)
    assert running is not None
    assert running.reason == "ControlBlocked"
    assert "8089" in running.message


def test_a_pod_that_waited_too_long_for_the_others_ends_the_test() -> None:
    pods = (a_pod(0, PodState.VERIFYING), a_halted_pod(1, HaltReason.BARRIER))

    decision = decide_on_record(an_observation(*pods))

    (action,) = decision.actions
    assert isinstance(action, HaltFleet)
    assert reason(status_of(decision), ConditionType.RUNNING) == "VerificationTimedOut"


def test_a_stop_before_the_load_halts_rather_than_drains() -> None:
    pods = (a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFYING))

    decision = decide_on_record(an_observation(*pods, spec=a_fleet_spec(stop=True)))

    assert [type(action) for action in decision.actions] == [HaltFleet]


def test_a_job_that_was_made_is_never_made_again() -> None:
    decision = decide(an_observation(job=None), POLICY)

    assert not any(isinstance(action, CreateJob) for action in decision.actions)
    assert status_of(decision).verdict is Verdict.INCONCLUSIVE
    assert reason(status_of(decision), ConditionType.SUCCEEDED) == "JobGone"


def test_a_job_of_the_same_name_that_belongs_to_another_is_not_touched() -> None:
    decision = decide(an_observation(job=a_job(is_owned=False)), POLICY)

    assert decision.actions == ()
    assert reason(status_of(decision), ConditionType.SUCCEEDED) == "JobNameTaken"


def test_an_earlier_runs_job_goes_before_a_new_run_begins() -> None:
    old = a_job(name="heavy-0", run_id="0")

    while_there = decide(a_new_observation(other_jobs=(old,), other_pods_active=True), POLICY)
    while_pods_end = decide(a_new_observation(other_pods_active=True), POLICY)

    assert while_there.actions == (DeleteJob("heavy-0", old.uid),)
    assert while_pods_end.actions == ()
    for decision in (while_there, while_pods_end):
        assert (status_of(decision).phase, reason(status_of(decision), ConditionType.VERIFIED)) == (
            Phase.QUEUED,
            "EarlierRunEnding",
        )
        assert decision.requeue_seconds is not None


def test_pods_that_have_ended_are_not_said_to_run_while_their_job_is_removed() -> None:
    old = a_job(name="heavy-0", run_id="0")

    while_pods_end = status_of(decide(a_new_observation(other_jobs=(old,), other_pods_active=True), POLICY))
    while_job_goes = status_of(decide(a_new_observation(other_jobs=(old,)), POLICY))

    assert while_pods_end.message.startswith("the pods of an earlier run of this test have not ended yet")
    assert while_job_goes.message.startswith("the Job of an earlier run of this test is removed first")


def test_what_appears_of_an_earlier_run_holds_up_no_run_that_has_begun() -> None:
    decision = decide(
        an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True, **LEFT), POLICY
    )

    assert status_of(decision).phase is Phase.RUNNING


def test_the_plan_is_the_one_the_pods_were_given_whatever_the_spec_says_now() -> None:
    spec = a_fleet_spec(load={"batchSize": 5, "virtualUsers": 4, "duration": "10s"})

    decision = decide(an_observation(a_pod(0, PodState.WAITING), a_pod(1), spec=spec), POLICY)

    assert decision.plan is not None
    assert batch_sizes(decision.plan) == [1_000]


def batch_sizes(plan: Plan) -> list[int]:
    return [step.batch_size for step in plan.steps]


def deleted(observation: Observation, **fields: Any) -> Observation:
    return replace(observation, test=replace(observation.test, is_deleting=True), **fields)


def test_a_deleted_test_that_a_finalizer_keeps_loads_no_more_and_says_what_it_waits_for() -> None:
    decision = decide(deleted(an_observation(a_pod(0, PodState.RUNNING), begun=True)), POLICY)

    assert decision.actions == (DeleteJob(a_job().name, a_job().uid),)
    assert status_of(decision).phase is Phase.STOPPING
    assert a_pod(0).name in status_of(decision).message
    assert reason(status_of(decision), ConditionType.RUNNING) == "Deleted"
    assert decision.requeue_seconds is not None


def test_a_deleted_test_has_ended_once_its_pods_are_gone_and_its_network_policy_goes_too() -> None:
    bounds = (ObservedNetworkPolicy("heavy-1", "policy-1"),)
    ending = deleted(an_observation(a_pod(0, PodState.RUNNING), begun=True), network_policies=bounds)
    last = next_observation(ending, decide(ending, POLICY), job=None, pods=())

    decision = decide(last, POLICY)

    assert [action for action in decide(ending, POLICY).actions if isinstance(action, DeleteNetworkPolicy)] == []
    assert decision.actions == (DeleteNetworkPolicy("heavy-1", "policy-1"),)
    assert (status_of(decision).phase, status_of(decision).verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert reason(status_of(decision), ConditionType.RUNNING) == "Deleted"
    assert reason(status_of(decision), ConditionType.SUCCEEDED) == "Deleted"
    assert reason(status_of(decision), ConditionType.RESULTS_COMPLETE) == "Deleted"
    assert decision.requeue_seconds is None


def test_a_deleted_test_that_never_had_pods_ends_at_once() -> None:
    status = status_of(decide(deleted(a_new_observation()), POLICY))

    assert (status.phase, reason(status, ConditionType.SUCCEEDED)) == (Phase.COMPLETED, "Deleted")
    assert reason(status, ConditionType.RESULTS_COMPLETE) == "NoRun"


def test_what_is_on_record_of_a_run_stands_when_its_test_is_deleted() -> None:
    halted = an_observation(a_halted_pod(0, HaltReason.VIOLATION, violation=VIOLATION), begun=True)
    stopping = next_observation(
        halted, decide(replace(halted, pods=(*halted.pods, a_pod(1, PodState.RUNNING))), POLICY)
    )

    status = status_of(decide(deleted(stopping, job=None, pods=()), POLICY))

    assert status.verdict is Verdict.FAILED
    assert reason(status, ConditionType.SUCCEEDED) == "Violation"


def test_the_verdict_of_a_test_that_had_ended_stands_when_it_is_deleted() -> None:
    done = an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    ended = next_observation(done, decide_end(done))

    assert decide(deleted(ended), POLICY).status is None
    assert decide(deleted(ended), POLICY).actions == (DeleteJob(a_job().name, a_job().uid),)


def test_a_container_that_is_not_created_points_at_the_secret_it_mounts() -> None:
    target = {"url": URL, "auth": {"secretKeyRef": {"name": "shop-token", "key": "jwt"}}}

    status = decided(an_observation(a_pending_pod(0), a_pending_pod(1), spec=a_fleet_spec(target=target)))

    assert "Secret shop-token" in status.message
    assert "key jwt" in status.message


def test_the_api_servers_own_endpoints_are_denied_to_the_pods() -> None:
    decision = decide(a_new_observation(api_server=("192.0.2.10:6443",)), POLICY)

    assert decision.plan is not None
    assert decision.plan.network.denied_endpoints == ("192.0.2.10:6443",)


def test_a_target_that_is_not_on_the_list_ends_the_test_at_once_with_the_setting_named() -> None:
    status = decided(a_new_observation(a_fleet_spec(target={"url": "https://example.com/"})))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert reason(status, ConditionType.VERIFIED) == "TargetNotAllowed"
    assert reason(status, ConditionType.SUCCEEDED) == "TargetNotAllowed"
    assert "policy.targets" in status.message


def test_a_test_whose_secrets_nobody_asked_about_waits_and_ends_inconclusive() -> None:
    observation = a_new_observation(secret_access=unchecked_access("there is no policy"))
    first = decide(observation, POLICY)
    late = next_observation(observation, first, now=NOW + timedelta(seconds=POLICY.waiting_seconds))

    waiting, given_up = status_of(first), decided(late)

    assert (waiting.phase, first.actions) == (Phase.QUEUED, ())
    assert reason(waiting, ConditionType.VERIFIED) == "SecretAccessUnchecked"
    assert (given_up.phase, given_up.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert "admission.secretAccess" in given_up.message


def test_a_test_older_than_the_policy_that_asks_ends_at_once() -> None:
    status = decided(
        a_new_observation(secret_access=SecretAccess(Reason.SecretAccessUnchecked, "apply it again", is_lasting=True))
    )

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert reason(status, ConditionType.SUCCEEDED) == "SecretAccessUnchecked"


BUSY = Turn(
    Reason.TargetBusy, "queued, place 1 in line: test light loads the same target; the test starts by itself", 1
)


def test_a_test_whose_turn_it_is_not_waits_in_line_without_an_action() -> None:
    decision = decide(a_new_observation(turn=BUSY), POLICY)

    assert decision.actions == ()
    assert decision.requeue_seconds is not None
    status = status_of(decision)
    assert (status.phase, status.message) == (Phase.QUEUED, BUSY.message)
    assert reason(status, ConditionType.VERIFIED) == "TargetBusy"


def test_the_wait_in_line_is_dated_from_its_beginning_and_bounded() -> None:
    observation = a_new_observation(turn=BUSY)
    first = decide(observation, POLICY)
    later = next_observation(observation, first, now=NOW + timedelta(seconds=60))
    late = next_observation(later, decide(later, POLICY), now=NOW + timedelta(seconds=POLICY.queued_seconds))

    assert status_of(decide(later, POLICY)).queued_at == status_of(first).queued_at
    status = decided(late)
    assert (status.verdict, reason(status, ConditionType.SUCCEEDED)) == (Verdict.INCONCLUSIVE, "QueuedTooLong")


def test_a_spec_that_cannot_run_is_refused_without_waiting_for_its_turn() -> None:
    missing = Endpoints(problem=Reason.ServicePortMissing, message="no", is_lasting=True)

    assert decided(a_new_observation(a_fleet_spec(thresholds=["latency < 1s"]), turn=BUSY)).phase is Phase.COMPLETED
    assert decided(a_new_observation(endpoints=missing, turn=BUSY)).phase is Phase.COMPLETED


def test_a_test_of_more_pods_than_the_installation_allows_is_refused_at_once() -> None:
    status = decided_by(a_new_observation(turn=BUSY), replace(POLICY, limits=Limits(pods_per_test=1)))

    assert (status.verdict, reason(status, ConditionType.SUCCEEDED)) == (Verdict.FAILED, "TooManyPods")
    assert "limits.podsPerTest" in status.message


def decided_by(observation: Observation, policy: Policy) -> Status:
    return status_of(decide(observation, policy))


def test_pods_and_job_say_what_is_loaded_for_as_long_as_one_of_them_lives() -> None:
    decision = decide(a_new_observation(target_identities=("10.0.0.5", "service:shop/clients")), POLICY)

    (action,) = decision.actions
    assert isinstance(action, CreateJob)
    made = action.manifest
    assert made["metadata"]["annotations"][TARGET_ANNOTATION] == "service:shop/clients 10.0.0.5"
    assert made["spec"]["template"]["metadata"]["annotations"][TARGET_ANNOTATION] == "service:shop/clients 10.0.0.5"


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (a_new_observation(), True),
        (a_new_observation(a_fleet_spec(suspend=True)), False),
        (a_new_observation(a_fleet_spec(stop=True)), False),
        (a_new_observation(test=a_test(is_deleting=True)), False),
        (a_new_observation(test=a_test(finished_run="1")), False),
        (a_new_observation(other_pods_active=True), False),
        (an_observation(), False),
        (an_observation(job=None), False),
    ],
)
def test_whose_turn_it_is_matters_only_to_a_test_that_may_begin(observation: Observation, expected: bool) -> None:
    assert may_begin(observation) is expected


def test_a_url_beside_the_targets_is_held_to_the_rules_for_hosts_too() -> None:
    refused = Endpoints(problem=Reason.ExternalNameRefused, message="no", is_lasting=True)
    missing = Endpoints(problem=Reason.ServiceNotFound, message="there is no Service shop/login")

    ended = decide(a_new_observation(destinations=Destinations(problem=refused)), POLICY)
    waiting = decide(a_new_observation(destinations=Destinations(problem=missing)), POLICY)

    assert (ended.actions, waiting.actions) == ((), ())
    assert reason(status_of(ended), ConditionType.SUCCEEDED) == "ExternalNameRefused"
    assert status_of(waiting).phase is Phase.QUEUED
    assert reason(status_of(waiting), ConditionType.VERIFIED) == "ServiceNotFound"


@pytest.mark.parametrize("of_network_policy", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        "jobs.batch is forbidden: unable to create new content in namespace shop because it is being terminated",
        'namespaces "shop" not found',
    ],
)
def test_in_a_namespace_that_is_being_deleted_a_test_ends_at_once(words: str, of_network_policy: bool) -> None:
    observation = a_new_observation()

    ended = with_outcomes(observation, decide(observation, POLICY), (JobRefused(words, of_network_policy),), POLICY)

    assert (status_of(ended).phase, status_of(ended).verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert reason(status_of(ended), ConditionType.SUCCEEDED) == "NamespaceTerminating"
    assert status_of(ended).message == "namespace shop is being deleted, so no pods are made in it"


def test_the_start_of_a_fleet_is_told_the_earlier_the_longer_its_pods_took_to_be_armed() -> None:
    action = StartFleet((), "start-1", "hash", lead_seconds=0.5, longest_lead_seconds=4.5)

    assert [round(action.lead_after(seconds), 6) for seconds in (0.0, 0.2, 60.0)] == [0.5, 1.1, 4.5]


def test_a_small_fleet_is_started_as_soon_as_a_large_one_whose_pods_answer_at_once() -> None:
    (action,) = decide(
        an_observation(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED), begun=True), POLICY
    ).actions

    assert isinstance(action, StartFleet)
    assert 0.5 <= action.lead_after(0.01) <= action.lead_after(60.0) < 0.6
