"""Kubernetes' JSON of a workload, its pods and their use as one look at the target."""

from typing import Any

import pytest

from loadtest_model.spec.target import Workload
from loadtest_operator.facts.workload import ResourceUsage, look_at_workload, usage_of, workload_selector
from support.workload_builders import CLIENTS, IMAGE, a_container, a_deployment, a_look, a_workload_pod

OOM = {"exitCode": 137, "reason": "OOMKilled"}

# As `kubectl get --raw /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods` prints it, from a metrics server 0.7.
POD_METRICS: dict[str, Any] = {
    "metadata": {
        "name": "clients-aaaaaaaa-1",
        "namespace": "shop",
        "creationTimestamp": "2026-03-01T12:00:05Z",
        "labels": {"app": "clients", "pod-template-hash": "r1"},
    },
    "timestamp": "2026-03-01T11:59:52Z",
    "window": "15.118s",
    "containers": [
        {"name": "django", "usage": {"cpu": "412345678n", "memory": "152340Ki"}},
        {"name": "proxy", "usage": {"cpu": "2m", "memory": "8Mi"}},
    ],
}


def test_a_look_shows_the_pods_that_the_workload_made_and_that_stay() -> None:
    stranger, leaving, evicted = a_workload_pod("b"), a_workload_pod("c"), a_workload_pod("d")
    stranger["metadata"]["ownerReferences"] = []
    leaving["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    evicted["status"]["phase"] = "Failed"

    look = a_look(a_workload_pod("aaaaaaaa-1"), stranger, leaving, evicted, desired=3)

    assert [pod.name for pod in look.pods] == ["clients-aaaaaaaa-1"]
    (pod,) = look.pods
    assert (pod.is_ready, pod.revision, pod.images, look.desired_pods) == (True, "r1", (IMAGE,), 3)


def test_pods_of_other_kinds_are_known_by_their_owner() -> None:
    made = {**a_deployment(), "kind": "StatefulSet", "metadata": {"name": "clients", "uid": "set"}}
    mine, foreign = a_workload_pod("mine"), a_workload_pod("foreign")
    mine["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "clients", "uid": "set", "controller": True}]

    look = look_at_workload(Workload(kind="StatefulSet", name="clients"), made, [mine, foreign])

    assert [pod.name for pod in look.pods] == ["clients-mine"]


def test_a_daemon_set_wants_a_pod_on_each_of_its_nodes() -> None:
    made = {**a_deployment(), "kind": "DaemonSet", "status": {"desiredNumberScheduled": 7}}

    assert look_at_workload(Workload(kind="DaemonSet", name="clients"), made, []).desired_pods == 7


@pytest.mark.parametrize(
    ("container", "ends"),
    [
        (a_container(), 0),
        (a_container(restarts=2, last_end=OOM), 2),
        (a_container(restarts=2, last_end=OOM, is_down=True), 3),
        ({**a_container(), "state": {"terminated": OOM}}, 1),
        ({**a_container(), "state": {"waiting": {"reason": "ContainerCreating"}}}, 0),
    ],
)
def test_an_end_counts_from_when_it_comes_and_not_only_from_the_restart(container: dict[str, Any], ends: int) -> None:
    (pod,) = a_look(a_workload_pod("aaaaaaaa-1", container)).pods

    assert pod.containers[0].ends == ends


def test_an_end_is_told_with_its_exit_code_and_reason() -> None:
    (pod,) = a_look(a_workload_pod("aaaaaaaa-1", a_container(restarts=1, last_end=OOM))).pods

    assert pod.containers[0].ran_out_of_memory
    assert pod.containers[0].last_end == "django in clients-aaaaaaaa-1, exit code 137, OOMKilled"


def test_a_kill_that_is_not_called_one_for_memory_is_none() -> None:
    killed = {"exitCode": 137, "reason": "Error"}
    (pod,) = a_look(a_workload_pod("aaaaaaaa-1", a_container(restarts=1, last_end=killed))).pods

    assert not pod.containers[0].ran_out_of_memory
    assert pod.containers[0].last_end.endswith("exit code 137")


def test_a_selector_is_written_as_a_list_takes_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["web", "api"]},
        {"key": "canary", "operator": "DoesNotExist"},
        {"key": "zone", "operator": "Exists"},
        {"key": "env", "operator": "NotIn", "values": ["dev"]},
    ]
    selector = {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": expressions}

    assert (
        workload_selector({"spec": {"selector": selector}}) == "a=1,b=2,tier in (web,api),!canary,zone,env notin (dev)"
    )


def test_what_the_metrics_api_says_is_summed_over_the_workloads_pods() -> None:
    foreign = {**POD_METRICS, "metadata": {"name": "other"}}

    use = usage_of([POD_METRICS, foreign], a_look(a_workload_pod("aaaaaaaa-1")).pods)

    assert use == ResourceUsage(
        at="2026-03-01T11:59:52Z",
        memory_bytes=(152_340 + 8 * 1024) * 1024,
        cpu_cores=pytest.approx(0.414345678),
        pods=("clients-aaaaaaaa-1",),
    )


def test_pods_that_the_metrics_api_does_not_know_yet_are_not_measurable() -> None:
    assert usage_of([], a_look(a_workload_pod()).pods).problem == "the metrics API knows none of its pods yet"


def test_a_use_that_is_no_quantity_is_named() -> None:
    spoilt = {**POD_METRICS, "containers": [{"name": "web", "usage": {"memory": "5Q"}}]}

    with pytest.raises(ValueError, match="'5Q' is not a quantity"):
        usage_of([spoilt], a_look(a_workload_pod("aaaaaaaa-1")).pods)


def test_a_workload_reads_as_kubectl_names_it() -> None:
    assert str(CLIENTS) == "Deployment/clients"
