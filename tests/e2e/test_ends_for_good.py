"""Stopped, deleted, restored, re-applied, cleaned up: a test that is over stays over, and nothing is left running."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from loadtest_model.report.labels import FINISHED_RUN_ANNOTATION
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available
from localcluster.rest import Rest, RestError, wait_for
from support.loadtests import Namespace, Test, condition, reason

LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "3s", "thinkTime": "200ms"}
STOPPED_SECONDS = 5.0


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


@pytest.fixture(scope="module")
def finished(namespace: Namespace) -> Test:
    """A test that has passed, whose Job and pods are removed a second later."""
    test = namespace.start("finished", load=SHORT, ttlSecondsAfterFinished=1)
    assert test.until_completed()["verdict"] == "Passed"
    return test


def jobs_and_pods(test: Test) -> list[str]:
    return [child for child in test.children() if not child.startswith("configmaps/")]


def load_stopped(test: Test) -> None:
    def running() -> list[str]:
        states = [(pod["metadata"]["name"], pod["status"].get("containerStatuses", ())) for pod in test.pods()]
        return [name for name, statuses in states if any("running" in made.get("state", {}) for made in statuses)]

    wait_for("the load to stop", lambda: not running(), STOPPED_SECONDS)


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_a_deleted_test_stops_within_seconds_and_leaves_nothing(namespace: Namespace, propagation: str) -> None:
    test = namespace.start(f"deleted-{propagation.lower()}", load=LONG)
    test.until_running()

    namespace.rest.call("DELETE", test.path, {"propagationPolicy": propagation})

    load_stopped(test)
    wait_for("Job and pods to be gone", lambda: not jobs_and_pods(test), 15)


def test_a_deleted_test_that_a_finalizer_keeps_loads_no_more(namespace: Namespace) -> None:
    test = namespace.start("kept", load=LONG)
    test.until_running()
    change_metadata(test, finalizers=["example.com/kept"])

    namespace.rest.delete(test.path)

    load_stopped(test)
    status = test.until_completed(60)
    assert "deletionTimestamp" in test.get()["metadata"]
    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Deleted")
    policies = f"/apis/networking.k8s.io/v1/namespaces/{test.namespace}/networkpolicies"
    mine = f"x-load-test.dev/uid={test.get()['metadata']['uid']}"
    wait_for("its NetworkPolicy to be gone", lambda: not test.rest.items(policies, mine), 15)
    change_metadata(test, finalizers=[])


def change_metadata(test: Test, **metadata: Any) -> None:
    test.rest.call("PATCH", test.path, {"metadata": metadata}, content_type="application/merge-patch+json")


def test_a_test_orphaned_while_the_operator_is_down_is_stopped_when_it_is_back(
    rest: Rest, namespace: Namespace
) -> None:
    test = namespace.start("unseen", load=LONG)
    test.until_running()
    with_operators(rest, 0)

    rest.call("DELETE", test.path, {"propagationPolicy": "Orphan"})
    assert len(jobs_and_pods(test)) == 3
    with_operators(rest, 1)

    load_stopped(test)
    wait_for("Job and pods to be gone", lambda: not jobs_and_pods(test), 15)


def test_a_test_stopped_while_it_verifies_sends_no_load(namespace: Namespace) -> None:
    namespace.deploy("sleepy", FAULT="slow", FAULT_SECONDS="3", WEB_CONCURRENCY="4")
    namespace.until_available("sleepy")
    url = "http://sleepy:8000/clients/upload/process/"
    test = namespace.start("unproven", load=LONG, target={"url": url, "timeout": "20s"})
    test.until("verifying", lambda status: status.get("phase") == "Verifying")

    test.patch(stop=True)
    status = test.until_completed(20)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Stopped")
    assert status["summary"]["requests"]["sent"] == 0
    assert "start" not in status


def test_a_test_stopped_before_it_starts_never_does(namespace: Namespace) -> None:
    test = namespace.start("held", load=SHORT, suspend=True)
    test.until("suspended", lambda status: reason(status, "Verified") == "Suspended")

    test.patch(stop=True, suspend=False)
    status = test.until_completed(10)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Stopped")
    assert test.children() == []


def test_time_to_live_removes_job_and_pods_and_keeps_test_verdict_and_results(finished: Test) -> None:
    before = finished.status

    wait_for("Job and pods to be gone", lambda: not jobs_and_pods(finished), 30)

    assert finished.status == before
    assert finished.results(before)["verdict"] == "Passed"


def test_applying_the_same_manifest_again_changes_nothing(namespace: Namespace, finished: Test) -> None:
    before = finished.get()

    again = namespace.start("finished", load=SHORT, ttlSecondsAfterFinished=1)

    assert again.uid == finished.uid
    assert again.get() == before


def test_a_mark_that_is_meant_for_a_test_of_another_uid_is_refused(finished: Test) -> None:
    annotations = finished.get()["metadata"]["annotations"]

    with pytest.raises(RestError, match="uid"):
        change_metadata(finished, uid="another", annotations={FINISHED_RUN_ANNOTATION: "9"})

    assert finished.get()["metadata"]["annotations"] == annotations


def test_a_test_restored_without_its_status_does_not_run_again(namespace: Namespace, finished: Test) -> None:
    backup = finished.get()
    wait_for("Job and pods to be gone", lambda: not jobs_and_pods(finished), 30)
    namespace.rest.delete(finished.path)

    metadata = {key: backup["metadata"][key] for key in ("name", "namespace", "annotations")}
    restored = namespace.apply({**copy.deepcopy(backup), "metadata": metadata, "status": {}})
    status = restored.until_completed(20)

    assert restored.uid != finished.uid
    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "FinishedEarlier")
    assert condition(status, "Stalled") == "True"
    assert restored.children() == []


def with_operators(rest: Rest, replicas: int) -> None:
    path = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/{OPERATOR}"
    rest.call("PATCH", path, {"spec": {"replicas": replicas}}, content_type="application/merge-patch+json")
    if replicas:
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
    else:
        pods = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods"
        wait_for("the operator to be gone", lambda: not rest.items(pods, f"app.kubernetes.io/name={OPERATOR}"), 30)


@pytest.fixture(autouse=True)
def operator_afterwards(rest: Rest) -> Iterator[None]:
    """Whatever fails in between, the tests after this one find an operator."""
    yield
    with_operators(rest, 1)
