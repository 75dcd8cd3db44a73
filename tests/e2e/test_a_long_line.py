"""A hundred tests in line for one target: what they cost while they wait, and what a step of the line changes."""

import re
from collections.abc import Iterator

import pytest

from loadtest_operator.policy.places import place_text
from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, wait_for
from support.loadtests import PATH, Namespace, Test, reason
from support.operators import operators, restart_operator

WAITING = 100
LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "600s", "thinkTime": "300ms"}
# The running test alone asks for some twenty in this time.
MOST_REQUESTS_AT_REST = 60
MOST_CHANGES_OF_A_STEP = 13


@pytest.fixture(scope="module")
def holder(namespace: Namespace) -> Iterator[Test]:
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("holder", load=LONG)
    test.until_running()
    yield test
    namespace.rest.delete(PATH.format(namespace=namespace.name))


@pytest.fixture(scope="module")
def line(namespace: Namespace, holder: Test) -> list[Test]:
    tests = [namespace.start(f"waits-{number:03}", load=LONG) for number in range(WAITING)]
    wait_for("all of them to wait", lambda: len(waiting(namespace)) == WAITING, 300)
    return tests


def resources(namespace: Namespace) -> dict[str, Json]:
    return {
        resource["metadata"]["name"]: resource
        for resource in namespace.rest.items(PATH.format(namespace=namespace.name))
    }


def waiting(namespace: Namespace) -> dict[str, Json]:
    """Those that say that they wait for their target."""
    return {
        name: resource
        for name, resource in resources(namespace).items()
        if reason(resource.get("status") or {}, "Verified") == "TargetBusy"
    }


def metric_sum(cluster: Cluster, rest: Rest, metric: str) -> float:
    (pod,) = operators(rest)
    text = cluster.ask(pod, 8080, "GET", "/metrics")[1].decode()
    return sum(float(value) for value in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def requests_until_progress(cluster: Cluster, rest: Rest, holder: Test) -> float:
    """How often the operator asks the API server from one write of the running test's progress to another, 5 s on."""
    elapsed = holder.status["progress"]["elapsedSeconds"]
    before = metric_sum(cluster, rest, "loadtest_operator_api_requests_total")
    holder.until("progress", lambda status: status["progress"]["elapsedSeconds"] >= elapsed + 4, 30)
    return metric_sum(cluster, rest, "loadtest_operator_api_requests_total") - before


def test_waiting_costs_nothing_while_nothing_changes(
    cluster: Cluster, rest: Rest, namespace: Namespace, holder: Test, line: list[Test]
) -> None:
    """The operator asks less often than there are tests that wait; each of them once would be more."""

    def is_at_rest() -> bool:
        return requests_until_progress(cluster, rest, holder) < MOST_REQUESTS_AT_REST

    wait_for("what has just been applied to be looked at", is_at_rest, 120)
    before = {name: version_of(resource) for name, resource in waiting(namespace).items()}
    request_counts = [requests_until_progress(cluster, rest, holder) for _ in range(3)]

    assert max(request_counts) < MOST_REQUESTS_AT_REST < WAITING
    assert {name: version_of(resource) for name, resource in waiting(namespace).items()} == before


def test_a_step_of_the_line_starts_the_first_and_changes_what_few_others_say(
    cluster: Cluster, rest: Rest, namespace: Namespace, holder: Test, line: list[Test]
) -> None:
    before = waiting(namespace)
    order = sorted(before, key=lambda name: (before[name]["metadata"]["creationTimestamp"], uid_of(before[name])))
    following = next(test for test in line if test.name == order[0])

    holder.patch(stop=True)
    holder.until_completed()
    following.until_running()
    wait_for("the first places to be told anew", lambda: place(namespace, order[1]) == "place 1 in line", 60)
    requests_until_progress(cluster, rest, following)

    after = waiting(namespace)
    changed = {name for name in after if version_of(after[name]) != version_of(before[name])}
    assert set(after) == set(order[1:])
    assert len(changed) <= MOST_CHANGES_OF_A_STEP
    places = [after[name]["status"]["message"].partition(":")[0] for name in order[1:]]
    assert places == [place_text(number) for number in range(1, WAITING)]


def test_the_line_is_the_same_to_an_operator_that_has_just_begun(
    rest: Rest, namespace: Namespace, line: list[Test]
) -> None:
    def under_load() -> list[Test]:
        return [test for test in line if test.status.get("phase") == "Running"]

    (running,) = wait_for("the first of the line to run", under_load, 60)
    before = {name: resource["status"]["message"] for name, resource in waiting(namespace).items()}
    elapsed = running.status["progress"]["elapsedSeconds"]

    restart_operator(rest)
    running.until("progress", lambda status: status["progress"]["elapsedSeconds"] > elapsed + 20, 90)

    assert {name: resource["status"]["message"] for name, resource in waiting(namespace).items()} == before


def uid_of(resource: Json) -> str:
    return str(resource["metadata"]["uid"])


def version_of(resource: Json) -> str:
    return str(resource["metadata"]["resourceVersion"])


def place(namespace: Namespace, name: str) -> str:
    return str(resources(namespace)[name]["status"]["message"].partition(":")[0])
