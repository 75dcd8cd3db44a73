"""Pods with a sidecar: the generator's end is the pod's, and what lives on is removed once the verdict is written."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan.mesh import NOTICE
from loadtest_model.report.status import ConditionType, Status
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import DeleteJob, DeleteNetworkPolicy
from loadtest_operator.facts.observation import ContainerEnd, Observation, ObservedNetworkPolicy, ObservedPod
from loadtest_operator.facts.resources import observed_pod
from support.operator_builders import (
    PLAN,
    POLICY,
    a_fleet_spec,
    a_new_observation,
    a_pod,
    a_silent_pod,
    an_observation,
    decide_end,
    next_observation,
)

Json = dict[str, Any]
ENDED = {"terminated": {"exitCode": 0, "reason": "Completed", "message": "word"}}
RUNNING = {"running": {"startedAt": "2026-03-01T12:00:00Z"}}
BOUNDS = ObservedNetworkPolicy("heavy-1-pods", "policy-1")


def a_resource(phase: str, **containers: Json) -> Json:
    return {
        "metadata": {
            "name": "heavy-1-0",
            "uid": "pod-0",
            "labels": {"x-load-test.dev/run": "1"},
            "annotations": {"batch.kubernetes.io/job-completion-index": "0"},
        },
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": name, "state": state} for name, state in containers.items()],
        },
    }


def an_ended_pod(index: int, *, lingers: bool = False) -> ObservedPod:
    ended = ContainerEnd(exit_code=0, reason="Completed", has_last_word=True)
    made = a_pod(index, PodState.DONE)
    return replace(made, is_running=False, is_reachable=False, container_end=ended, has_lingering_sidecar=lingers)


def after_the_end(*pods: ObservedPod, **fields: Any) -> Observation:
    observation = an_observation(an_ended_pod(0), an_ended_pod(1), begun=True)
    return replace(next_observation(observation, decide_end(observation)), pods=pods, **fields)


def actions_of(observation: Observation, kind: type) -> list[Any]:
    return [action for action in decide(observation, POLICY).actions if isinstance(action, kind)]


@pytest.mark.parametrize("order", [("loadgen", "proxy"), ("proxy", "loadgen")])
def test_the_end_of_the_generator_is_the_end_of_the_pod_whatever_lives_on_beside_it(order: tuple[str, str]) -> None:
    states = {"loadgen": ENDED, "proxy": RUNNING}

    pod = observed_pod(a_resource("Running", **{name: states[name] for name in order}))

    assert pod.container_end is not None
    assert (pod.container_end.exit_code, pod.container_end.message) == (0, "word")
    assert (pod.has_ended, pod.is_running, pod.has_crashed, pod.has_lingering_sidecar) == (True, False, False, True)


def test_a_running_sidecar_is_no_running_generator() -> None:
    pod = observed_pod(a_resource("Running", proxy=RUNNING, loadgen={"waiting": {"reason": "PodInitializing"}}))

    assert (pod.is_running, pod.has_ended, pod.has_lingering_sidecar) == (False, False, False)


def test_a_sidecar_that_ended_badly_is_no_crash_of_the_generator() -> None:
    pod = observed_pod(a_resource("Failed", loadgen=ENDED, proxy={"terminated": {"exitCode": 1}}))

    assert (pod.has_ended, pod.has_crashed, pod.has_lingering_sidecar) == (True, False, False)


def test_a_sidecar_that_the_kubelet_ends_by_itself_does_not_linger() -> None:
    resource = a_resource("Running", loadgen=ENDED)
    resource["status"]["initContainerStatuses"] = [{"name": "proxy", "state": RUNNING}]

    assert not observed_pod(resource).has_lingering_sidecar


def test_what_an_injector_put_before_the_generator_is_named_where_it_keeps_it_from_starting() -> None:
    stuck = a_resource("Pending", loadgen={"waiting": {"reason": "PodInitializing"}})
    stuck["status"]["initContainerStatuses"] = [
        {"name": "validation", "state": {"terminated": {"exitCode": 0}}},
        {"name": "init", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
    ]
    failed = a_resource("Failed", loadgen={"waiting": {"reason": "PodInitializing"}})
    failed["status"]["initContainerStatuses"] = [
        {"name": "init", "state": {"terminated": {"exitCode": 3, "message": "no NET_ADMIN"}}}
    ]

    ended = observed_pod(failed).container_end

    said = "container init, which comes before it, waits: ImagePullBackOff: no such image"
    assert observed_pod(stuck).waits_for == said
    assert ended is not None
    assert ended.message == "container init, which comes before it, ended with exit code 3: no NET_ADMIN"


def test_a_run_is_judged_although_sidecars_live_on() -> None:
    observation = an_observation(an_ended_pod(0, lingers=True), an_ended_pod(1, lingers=True), begun=True)

    status = decide(observation, POLICY).status

    assert status is not None
    assert status.verdict == "Passed"


def test_once_the_verdict_is_written_the_job_goes_with_what_lives_on() -> None:
    look = after_the_end(an_ended_pod(0), an_ended_pod(1, lingers=True), network_policies=(BOUNDS,))

    assert actions_of(look, DeleteJob) == [DeleteJob("heavy-1", "job-1")]
    assert actions_of(look, DeleteNetworkPolicy) == [DeleteNetworkPolicy("heavy-1-pods", "policy-1")]
    assert decide(look, POLICY).requeue_seconds is not None


def test_the_network_policy_goes_also_where_the_pods_are_gone_already() -> None:
    look = after_the_end(job=None, network_policies=(BOUNDS,))

    assert actions_of(look, DeleteNetworkPolicy) == [DeleteNetworkPolicy("heavy-1-pods", "policy-1")]


def test_a_job_stays_while_a_generator_has_not_ended() -> None:
    look = after_the_end(a_pod(0, PodState.DONE), an_ended_pod(1, lingers=True))

    assert actions_of(look, DeleteJob) == []


def test_without_a_sidecar_the_job_stays_for_its_pods_to_be_looked_at() -> None:
    look = after_the_end(an_ended_pod(0), an_ended_pod(1), network_policies=(BOUNDS,))

    assert actions_of(look, DeleteJob) == []
    assert actions_of(look, DeleteNetworkPolicy) == [DeleteNetworkPolicy("heavy-1-pods", "policy-1")]


def test_the_network_policy_outlives_the_pods() -> None:
    look = after_the_end(a_pod(0, PodState.DONE), an_ended_pod(1), network_policies=(BOUNDS,))

    assert actions_of(look, DeleteNetworkPolicy) == []


def test_a_pod_of_a_node_that_is_gone_is_not_waited_for_for_ever() -> None:
    silent, answers = a_silent_pod(0, 90), a_pod(0, PodState.RUNNING)
    looks = [
        decide(after_the_end(replace(pod, is_left_behind=left), an_ended_pod(1), network_policies=(BOUNDS,)), POLICY)
        for pod, left in ((silent, False), (silent, True), (answers, True))
    ]

    assert [look.requeue_seconds is None for look in looks] == [False, True, False]
    assert [DeleteNetworkPolicy("heavy-1-pods", "policy-1") in look.actions for look in looks] == [False, True, False]


def meshed(*pods: ObservedPod) -> Status:
    observation = an_observation(*pods, begun=True)
    assert observation.job is not None
    job = replace(observation.job, plan=structs.replace(PLAN, mesh=True))
    status = decide(replace(observation, job=job), POLICY).status
    assert status is not None
    return status


def test_a_mesh_lowers_the_claim_wherever_it_is_made() -> None:
    status = meshed(an_ended_pod(0), an_ended_pod(1))
    verified = status.condition(ConditionType.VERIFIED)

    assert status.verification is not None
    assert status.summary is not None
    assert verified is not None
    assert status.verdict == "Passed"
    assert "every upload was confirmed" not in status.message
    assert "every answer that the mesh's proxy passed on" in status.message
    assert "through a mesh's proxy" in verified.message
    assert "as often again as the mesh's proxy repeats it" in verified.message
    assert status.verification.notice == NOTICE


def test_without_a_mesh_nothing_lowers_the_claim() -> None:
    status = decide(an_observation(an_ended_pod(0), an_ended_pod(1), begun=True), POLICY).status

    assert status is not None
    assert status.verification is not None
    assert "every upload was confirmed" in status.message
    assert status.verification.notice == ""


def test_what_stands_beside_the_generator_although_it_was_kept_out_is_told() -> None:
    pods = (
        replace(an_ended_pod(0), other_containers=("proxy",)),
        replace(an_ended_pod(1), other_containers=("proxy", "agent")),
    )

    status = decide(an_observation(*pods, begun=True), POLICY).status

    assert status is not None
    assert status.verification is not None
    assert status.summary is not None
    assert "yet beside the generator ran proxy, agent" in status.verification.notice
    assert "more than once" in status.verification.notice


def test_containers_that_are_not_ours_are_seen_in_the_pod() -> None:
    resource = a_resource("Running", loadgen=RUNNING)
    resource["spec"] = {
        "containers": [{"name": "loadgen"}, {"name": "proxy"}],
        "initContainers": [{"name": "init"}, {"name": "agent", "restartPolicy": "Always"}],
    }

    assert observed_pod(resource).other_containers == ("proxy", "agent")


def test_a_mesh_is_told_of_before_the_load() -> None:
    status = decide(a_new_observation(a_fleet_spec(pod={"mesh": "Enabled"})), POLICY).status

    assert status is not None
    assert NOTICE in status.message
