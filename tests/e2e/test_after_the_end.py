"""After the end: older results go, tests go by their verdict, and webhooks hear of it, also over a killed operator."""

from datetime import datetime, timedelta

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available
from localcluster.rest import Json, wait_for
from support.loadtests import Namespace, Test, condition, kill_operator

SHORT = {"batchSize": 200, "virtualUsers": 1, "duration": "2s"}


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


@pytest.fixture(scope="module")
def kept(namespace: Namespace) -> Test:
    """A test that ran three times and keeps the results of two runs."""
    test = namespace.start("kept", load=SHORT, parallelism=1, results={"keep": 2})
    test.until_completed()
    for run in ("second", "third"):
        run_again(test, run)
    return test


def run_again(test: Test, run: str) -> Json:
    test.patch(runId=run)
    return test.until(
        f"run {run} completed", lambda status: status.get("runId") == run and condition(status, "Completed") == "True"
    )


def result_runs(test: Test) -> set[str]:
    """The runs of which there are results."""
    maps = test.rest.items(f"/api/v1/namespaces/{test.namespace}/configmaps", f"x-load-test.dev/uid={test.uid}")
    return {each["metadata"]["labels"]["x-load-test.dev/run"] for each in maps}


def until_gone(test: Test, seconds: float = 30.0) -> None:
    wait_for(f"{test.name} to be deleted", lambda: test.rest.get_or_none(test.path) is None, seconds)


def test_the_results_of_the_last_runs_stay_and_older_ones_go(kept: Test) -> None:
    wait_for("the first results to go", lambda: result_runs(kept) == {"second", "third"}, 20)


def test_that_fewer_results_are_kept_can_be_said_after_the_end(kept: Test) -> None:
    wait_for("the first results to go", lambda: "1" not in result_runs(kept), 20)

    kept.patch(results={"keep": 1})

    wait_for("only the newest results to stay", lambda: result_runs(kept) == {"third"}, 20)
    assert kept.results(kept.status)["verdict"] == kept.status["verdict"] == "Passed"


def test_a_config_map_of_a_user_with_the_labels_of_results_stays(namespace: Namespace, kept: Test) -> None:
    labels = {
        "app.kubernetes.io/managed-by": "loadtest-operator",
        "x-load-test.dev/uid": kept.uid,
        "x-load-test.dev/run": "mine",
    }
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine-results", "labels": labels}}
    namespace.rest.apply(mine, namespace.name)

    run_again(kept, "fourth")

    wait_for("the third results to go", lambda: "third" not in result_runs(kept), 20)
    assert namespace.rest.get_or_none(f"/api/v1/namespaces/{namespace.name}/configmaps/mine-results") is not None


def test_a_passed_test_goes_after_its_time_with_its_results_and_says_so_before(namespace: Namespace) -> None:
    test = namespace.start("going", load=SHORT, parallelism=1, results={"ttl": {"passed": "8s", "failed": "720h"}})
    status = test.until_completed()

    announced = test.until("expiry announced", lambda status: "expiresAt" in status, 8)

    assert status["verdict"] == "Passed"
    completed, expires = (datetime.fromisoformat(announced[name]) for name in ("completedAt", "expiresAt"))
    assert expires - completed == timedelta(seconds=8)
    until_gone(test)
    wait_for("all that it owned to go", lambda: test.children() == [], 30)


def test_a_failed_test_stays_longer_and_the_time_can_be_changed_after_the_end(namespace: Namespace) -> None:
    failing = {"thresholds": ["p95 < 1ms"], "results": {"ttl": {"passed": "1s", "failed": "720h"}}}
    test = namespace.start("staying", load=SHORT, parallelism=1, **failing)
    assert test.until_completed()["verdict"] == "Failed"
    late = test.until("expiry announced", lambda status: "expiresAt" in status, 10)
    assert datetime.fromisoformat(late["expiresAt"]) - datetime.fromisoformat(late["completedAt"]) == timedelta(days=30)

    test.patch(results={"ttl": None})
    test.until("no expiry any more", lambda status: "expiresAt" not in status, 10)
    test.patch(results={"ttl": {"failed": "0s"}})

    until_gone(test)


def test_a_test_whose_time_passes_while_no_operator_lives_goes_when_the_next_one_starts(
    cluster: Cluster, namespace: Namespace
) -> None:
    test = namespace.start("outlived", load=SHORT, parallelism=1, results={"ttl": {"passed": "5s"}})
    test.until_completed()

    kill_operator(cluster, namespace.rest)

    until_gone(test, 60)
    wait_until_available(namespace.rest, OPERATOR_NAMESPACE, OPERATOR)


def test_another_run_keeps_nothing_of_what_the_status_said_after_the_one_before(namespace: Namespace) -> None:
    test = namespace.start("again", load=SHORT, parallelism=1, results={"ttl": {"passed": "1h"}})
    test.until("expiry announced", lambda status: "expiresAt" in status)

    test.patch(runId="second", suspend=True)
    waiting = test.until("queued again", lambda status: status.get("runId") == "second", 20)

    assert "expiresAt" not in waiting
    test.rest.delete(test.path)
