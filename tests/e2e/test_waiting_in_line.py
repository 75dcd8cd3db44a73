"""One target, one test at a time, whatever the tests call it; and limits on what runs at once."""

import itertools
import time
from collections.abc import Iterator

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import PATH as LOADTESTS
from support.loadtests import Namespace, Test, kill_operator, make_namespace, message, reason
from support.operators import reinstall, restart_operator

LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "300ms"}
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "3s", "thinkTime": "200ms"}
PATH = "/clients/upload/process/"
TARGETS = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/loadtest-operator-targets"


@pytest.fixture(scope="module", autouse=True)
def any_target_allowed(rest: Rest, namespace: Namespace) -> Iterator[None]:
    """Addresses are no targets by default; the list is read by the API server, and by the operator when it starts."""
    before: Json = rest.call("GET", TARGETS)["data"]
    rest.call("PATCH", TARGETS, {"data": {"targets": "*"}}, content_type="application/merge-patch+json")
    restart_operator(rest)
    wait_for("the list", lambda: accepted(namespace, "http://127.0.0.1/"), 30)
    yield
    rest.call("PATCH", TARGETS, {"data": before}, content_type="application/merge-patch+json")
    restart_operator(rest)


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


@pytest.fixture(scope="module")
def other(cluster: Cluster, rest: Rest) -> Iterator[Namespace]:
    made = make_namespace(cluster, rest, "in-line")
    yield made
    rest.delete(f"/api/v1/namespaces/{made.name}")


@pytest.fixture(autouse=True)
def nothing_left(rest: Rest, namespace: Namespace, other: Namespace) -> Iterator[None]:
    """A test that was left running would hold up all tests after it."""
    yield
    for place in (namespace, other):
        collection = LOADTESTS.format(namespace=place.name)
        for test in rest.items(collection):
            rest.delete(f"{collection}/{test['metadata']['name']}")


def accepted(namespace: Namespace, url: str) -> bool:
    """Whether the API server would take a test of this target."""
    manifest = namespace.manifest("asked", target={"url": url})
    try:
        collection = namespace.rest.path_of(manifest).rpartition("/")[0]
        namespace.rest.call("POST", collection, manifest, query={"dryRun": "All"})
    except RestError:
        return False
    return True


def spellings(namespace: Namespace) -> dict[str, str]:
    """The same target by its Service's names and address, and by the address of a pod behind it."""
    service = namespace.rest.call("GET", f"/api/v1/namespaces/{namespace.name}/services/clients")
    (pod,) = namespace.pods()
    return {
        "short": f"http://clients.{namespace.name}:8000{PATH}",
        "svc": f"http://clients.{namespace.name}.svc:8000{PATH}",
        "full": f"http://CLIENTS.{namespace.name}.svc.cluster.local.:8000{PATH}",
        "cluster-ip": f"http://{service['spec']['clusterIP']}:8000{PATH}",
        "pod-ip": f"http://{pod['status']['podIP']}:8000{PATH}",
    }


def start(place: Namespace, name: str, url: str, **spec: object) -> Test:
    return place.start(name, target={"url": url, "timeout": "20s"}, **{"load": SHORT, **spec})


def queued(test: Test) -> str:
    """Wait until it is this test's turn to wait, and return what it says."""
    status = test.until("queued", lambda s: s.get("phase") == "Queued" and reason(s, "Verified") == "TargetBusy", 20)
    return str(status["message"])


def test_every_spelling_of_a_target_waits_for_the_one_that_runs_and_none_overlap(
    cluster: Cluster, rest: Rest, namespace: Namespace, other: Namespace
) -> None:
    holder = namespace.start("holder", load=LONG)
    holder.until_running()
    tests = {name: start(other, name, url) for name, url in spellings(namespace).items()}

    places = [f"place {n} in line" for n in range(1, 6)]

    def each_has_its_place() -> bool:
        return sorted(queued(test).partition(":")[0] for test in tests.values()) == places

    wait_for("each to know its place in line", each_has_its_place, 20)
    said = [queued(test) for test in tests.values()]
    beside = start(other, "beside", spellings(namespace)["svc"], concurrency="Allow")
    assert beside.until_completed()["verdict"] == "Passed"
    kill_operator(cluster, rest)
    holder.patch(stop=True)
    ended = holder.until_completed(30)["completedAt"]
    ends = [test.until_completed() for test in tests.values()]

    assert all("a test of another namespace loads the same target" in text for text in said)
    assert not any("holder" in text for text in said)
    assert [status["verdict"] for status in ends] == ["Passed"] * 5, [status.get("reasons") for status in ends]
    assert ended <= min(status["start"]["at"] for status in ends)
    assert one_at_a_time(ends)


def one_at_a_time(ends: list[Json]) -> bool:
    spans = sorted((status["start"]["at"], status["completedAt"]) for status in ends)
    return all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_tests_made_at_the_same_moment_run_in_order_and_one_at_a_time(namespace: Namespace) -> None:
    tests = [start(namespace, f"moment-{number}", f"http://clients:8000{PATH}") for number in range(3)]

    ends = [test.until_completed() for test in tests]

    order = sorted(tests, key=lambda test: (test.get()["metadata"]["creationTimestamp"], test.uid))
    spans = [(test.status["start"]["at"], test.status["completedAt"]) for test in order]
    assert [status["verdict"] for status in ends] == ["Passed"] * 3
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_the_next_starts_within_seconds_of_a_deletion_and_names_a_neighbour(namespace: Namespace) -> None:
    holder = namespace.start("deleted", load=LONG)
    holder.until_running()
    test = start(namespace, "next", f"http://clients:8000{PATH}")
    assert "test deleted loads the same target" in queued(test)

    namespace.rest.delete(holder.path)
    wait_for("the holder's pods to end", lambda: not holder.pods(), 15)
    gone = time.monotonic()
    test.until("starting", lambda status: status["phase"] != "Queued", 10)

    assert time.monotonic() - gone < 5
    assert test.until_completed()["verdict"] == "Passed"


def test_limits_of_the_installation_queue_what_is_over_and_refuse_what_never_fits(
    rest: Rest, namespace: Namespace
) -> None:
    namespace.deploy("orders", FAULT="slow", FAULT_SECONDS="0.8", WEB_CONCURRENCY="4")
    namespace.until_available("orders")
    reinstall(rest, LOADTEST_LIMIT_TESTS="1", LOADTEST_LIMIT_PODS_PER_TEST="3")
    try:
        holder = namespace.start("over", load=LONG)
        holder.until_running()
        waiting = start(namespace, "waits", f"http://orders:8000{PATH}")
        four = {"batchSize": 10, "virtualUsers": 4, "duration": "5s"}
        refused = start(namespace, "large", f"http://orders:8000{PATH}", parallelism=4, load=four).until_completed(20)
        status = waiting.until("queued", lambda s: reason(s, "Verified") == "TestLimitReached", 20)

        assert "limits.tests" in status["message"]
        assert (refused["verdict"], reason(refused, "Succeeded")) == ("Failed", "TooManyPods")
        assert "limits.podsPerTest" in message(refused, "Completed")
        rest.delete(holder.path)
        assert waiting.until_completed()["verdict"] == "Passed"
    finally:
        reinstall(rest)
