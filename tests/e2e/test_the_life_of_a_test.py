"""Stop, suspend, delete, lost pods, a killed operator, and tests side by side."""

from collections.abc import Iterator

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Rest, wait_for
from support.loadtests import Namespace, Test, condition, make_namespace, reason, reasons

LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s"}
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "6s"}


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


@pytest.fixture
def long_test(namespace: Namespace, request: pytest.FixtureRequest) -> Iterator[Test]:
    test = namespace.start(f"long-{abs(hash(request.node.name)) % 10_000}", load=LONG)
    yield test
    namespace.rest.delete(test.path)


def test_a_stopped_test_drains_and_is_inconclusive(long_test: Test) -> None:
    long_test.until_running()

    long_test.patch(stop=True)
    status = long_test.until_completed(30)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Stopped")
    requests = status["summary"]["requests"]
    assert requests["unknown"] == 0
    assert requests["sent"] == requests["accepted"] > 0


def test_a_suspended_test_waits_and_starts_when_it_may(namespace: Namespace) -> None:
    test = namespace.start("suspended", load=SHORT, suspend=True)
    waiting = test.until("suspended", lambda status: "suspend" in status.get("message", ""))
    assert waiting["phase"] == "Queued"
    assert test.children() == []

    test.patch(suspend=False)

    assert test.until_completed()["verdict"] == "Passed"


def test_a_lost_pod_ends_the_test_inconclusive(cluster: Cluster, long_test: Test) -> None:
    long_test.until_running()
    victim = long_test.pods()[1]["metadata"]["name"]

    cluster.kill(long_test.namespace, victim)
    status = long_test.until_completed(60)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "PodLost")
    # What to do stands first; of a process that was killed no log is told.
    lost = f"look at the pods' events and nodes, then run again; lost {victim} (exit code 137, Error)"
    assert lost in reasons(status)
    assert status["summary"]["requests"]["accepted"] > 0


def test_killing_the_operator_changes_nothing(cluster: Cluster, rest: Rest, namespace: Namespace) -> None:
    load = {"batchSize": 200, "virtualUsers": 2, "duration": "12s"}
    test = namespace.start("orphaned", load=load)
    test.until_running()
    (operator,) = rest.items(
        f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator"
    )

    cluster.kill(OPERATOR_NAMESPACE, operator["metadata"]["name"])
    status = test.until_completed()

    assert status["verdict"] == "Passed"
    assert test.results(status)["steps"][0]["load_seconds"] == 12.0
    assert status["summary"]["responseTimeSeconds"]["samples"] == status["summary"]["requests"]["accepted"]


def test_a_completed_test_never_runs_again_by_itself(namespace: Namespace) -> None:
    test = namespace.start("once", load=SHORT)
    first = test.until_completed()
    (job,) = [child for child in test.children() if child.startswith("jobs/")]

    namespace.rest.delete(f"/apis/batch/v1/namespaces/{test.namespace}/{job}")
    wait_for("the Job to be gone", lambda: job not in test.children(), 30)
    namespace.rest.call(
        "PATCH", test.path, {"metadata": {"labels": {"touched": "1"}}}, content_type="application/merge-patch+json"
    )
    test.until("observed again", lambda status: status["verdict"] == "Passed", 5)

    assert test.status["completedAt"] == first["completedAt"]
    assert job not in test.children()


def test_another_run_id_runs_a_completed_test_again(namespace: Namespace) -> None:
    test = namespace.start("again", load=SHORT)
    first = test.until_completed()

    test.patch(runId="second")
    second = test.until("completed again", lambda s: s.get("runId") == "second" and condition(s, "Completed") == "True")

    assert second["verdict"] == "Passed"
    assert second["completedAt"] != first["completedAt"]


def test_two_tests_in_two_namespaces_run_at_once(cluster: Cluster, rest: Rest, namespace: Namespace) -> None:
    other = make_namespace(cluster, rest, "neighbour")
    other.deploy_slow()
    other.until_available("clients")

    tests = [place.start("both", load=SHORT) for place in (namespace, other)]
    ends = [test.until_completed() for test in tests]

    assert [status["verdict"] for status in ends] == ["Passed", "Passed"]
    started = sorted(status["start"]["at"] for status in ends)
    assert started[1] < min(status["completedAt"] for status in ends)
    rest.delete(f"/api/v1/namespaces/{other.name}")
