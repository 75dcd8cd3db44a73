"""Kubernetes' JSON as the values that decisions are made from."""

from datetime import timedelta
from typing import Any

import pytest

from loadtest_model.report.status import Phase
from loadtest_operator.facts.resources import is_left_behind, observed_pod, observed_test, rfc3339, run_id_of
from support.operator_builders import NOW

Json = dict[str, Any]


def a_pod(state: Json | None = None, **status: Any) -> Json:
    statuses = [{"name": "loadgen", "state": state}] if state is not None else []
    return {
        "metadata": {
            "name": "heavy-1-0",
            "uid": "pod-0",
            "labels": {"x-load-test.dev/run": "1"},
            "annotations": {"batch.kubernetes.io/job-completion-index": "3"},
        },
        "status": {"phase": "Pending", "containerStatuses": statuses, **status},
    }


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (a_pod({"waiting": {"reason": "ErrImagePull", "message": "not found"}}), "ErrImagePull: not found"),
        (a_pod({"waiting": {"reason": "ImagePullBackOff"}}), "ImagePullBackOff"),
        (
            a_pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}),
            'CreateContainerConfigError: secret "x" not found',
        ),
        (a_pod({"waiting": {"reason": "ContainerCreating"}}), "ContainerCreating"),
        (
            a_pod(
                conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes fit"}
                ]
            ),
            "Unschedulable: 0/3 nodes fit",
        ),
        (a_pod(), "the pod's container to be created"),
    ],
)
def test_what_a_pod_waits_for_is_told_in_the_clusters_own_words(pod: Json, expected: str) -> None:
    assert observed_pod(pod).waits_for == expected


def test_a_running_pod_waits_for_nothing() -> None:
    seen = observed_pod(a_pod({"running": {}}, phase="Running", podIP="10.0.1.3"))

    assert (seen.is_running, seen.waits_for, seen.ip, seen.index) == (True, "", "10.0.1.3", 3)
    assert not seen.has_ended


@pytest.mark.parametrize(("code", "crashed"), [(0, False), (40, False), (43, False), (1, True), (137, True)])
def test_an_exit_code_that_is_not_the_generators_is_a_crash(code: int, crashed: bool) -> None:
    seen = observed_pod(a_pod({"terminated": {"exitCode": code, "reason": "Error", "message": "bye"}}, phase="Failed"))

    assert (seen.has_ended, seen.has_crashed) == (True, crashed)
    assert seen.container_end is not None
    assert seen.container_end.message == "bye"


@pytest.mark.parametrize(("seconds", "left_behind"), [(59, False), (61, True)])
def test_a_pod_long_past_its_end_is_on_a_node_that_is_gone(seconds: int, left_behind: bool) -> None:
    assert is_left_behind(rfc3339(NOW - timedelta(seconds=seconds)), NOW) is left_behind
    assert not is_left_behind(None, NOW)


def test_an_evicted_pod_is_over_though_its_container_says_nothing() -> None:
    seen = observed_pod(a_pod(phase="Failed", reason="Evicted", message="low on memory"))

    assert (seen.has_ended, seen.has_crashed) == (True, True)
    assert seen.container_end is not None
    assert seen.container_end.reason == "Evicted"


def a_resource(**fields: Any) -> Json:
    return {
        "metadata": {
            "namespace": "shop",
            "name": "heavy",
            "uid": "u",
            "resourceVersion": "1",
            "generation": 2,
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "spec": {"target": {"url": "http://clients/x"}, "scenario": "light"},
        **fields,
    }


def test_a_resource_that_nobody_has_looked_at_is_in_no_phase() -> None:
    seen = observed_test(a_resource(status={"observedGeneration": -1}))

    assert (seen.record.phase, seen.record.run_id, run_id_of(seen)) == (None, None, "1")


def test_a_status_of_a_newer_operator_is_read_as_far_as_it_is_known() -> None:
    seen = observed_test(a_resource(status={"phase": "Running", "runId": "7", "invented": {"x": 1}}))

    assert (seen.record.phase, seen.record.run_id) == (Phase.RUNNING, "7")


def test_a_spec_that_cannot_be_read_says_which_field() -> None:
    seen = observed_test(a_resource(spec={"target": {"url": "http://clients/x"}, "scenario": "huge"}))

    assert seen.spec is None
    assert "scenario" in seen.spec_error
