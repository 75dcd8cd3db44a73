"""A target whose pods come and go while the load runs: that is no crash, and what it costs is told as what it is."""

import json
import re
from collections.abc import Iterator

import pytest

from localcluster.cluster import LocalCluster
from localcluster.rest import Json, Rest
from support.loadtests import Namespace, Test, limit_pods, make_namespace, message, reason
from support.operators import replace_killed_operator

TARGET = {"url": "http://clients:8000/clients/upload/process/", "timeout": "20s"}
LONG: Json = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}


BUSY = {"batchSize": 500, "virtualUsers": 4, "duration": "300s", "thinkTime": "50ms"}
ENOUGH_RECORDS = 100_000
WATCHED = {**TARGET, "workload": {"kind": "Deployment", "name": "clients"}}


@pytest.fixture
def namespace(cluster: LocalCluster, rest: Rest) -> Iterator[Namespace]:
    """One for each test, since each leaves its target changed."""
    replace_killed_operator(rest)
    made = make_namespace(cluster, rest, "changing")
    yield made
    rest.delete(f"/api/v1/namespaces/{made.name}")


def addresses(pods: list[Json]) -> set[str]:
    return {f"{pod['status']['podIP']}:8000" for pod in pods}


def test_a_rollout_under_load_moves_it_to_the_new_pods(namespace: Namespace) -> None:
    namespace.deploy()
    namespace.scale("clients", 2)
    old = addresses(namespace.pods())
    test = namespace.start("rolled", load=LONG, target=WATCHED)
    test.until_running()

    namespace.roll_out("clients")

    def moved(status: Json) -> bool:
        return old <= set((status.get("verification") or {}).get("vanished", ()))

    test.until("its target rolled out", moved, 90)
    new = addresses(namespace.pods()) - old
    verified = test.until("verified at both", lambda status: new <= set(status["verification"]["addresses"]), 30)
    enough = verified["progress"]["recordsConfirmed"] + 50 * LONG["batchSize"]
    test.until("loading both", lambda status: status["progress"]["recordsConfirmed"] >= enough, 60)
    test.patch(stop=True)
    status = test.until_completed()

    seen = status["target"]
    assert (seen["rolledOut"], seen["restarts"], seen["replacedPods"]) == (True, 0, 0)
    assert any("was rolled out while the load ran" in text for text in status["health"]["evidence"])
    (step,) = test.results(status)["steps"]
    spread = step["addresses"]
    assert len(new) == 2
    assert set(spread) == old | new
    assert all(spread[address]["accepted"] > 0 for address in new)
    assert status["summary"].get("errors", {}).get("no_address", 0) == 0
    assert not any("went down" in text for text in status["health"]["evidence"]), spread


@pytest.fixture
def stranger(namespace: Namespace) -> Json:
    """A pod that stores what it is sent, and belongs to no Service but its own so far."""
    namespace.deploy("ignorant", FAULT="ignores-header", FAULT_REFUSES_EMPTY="1")
    namespace.until_available("ignorant")
    (pod,) = namespace.pods("ignorant")
    return pod


def answered_by(namespace: Namespace, pod: Json) -> list[str]:
    """The uploads that a target's pod answered with 200, as it logged them."""
    log = namespace.cluster.logs(namespace.name, pod["metadata"]["name"])
    return re.findall(r"upload load_test=\w+ rows=\d+ status=200", log)


def assert_one_canary_was_stored(namespace: Namespace, stranger: Json, status: Json) -> None:
    """The run failed because of the stranger, which met one pod and no more than its canary, and says so."""
    assert answered_by(namespace, stranger) == ["upload load_test=false rows=1 status=200"]
    (address,) = addresses([stranger])
    canary = status["verification"]["canaryIds"][0]
    text = json.dumps(status)
    assert status["verdict"] == "Failed"
    assert address in message(status, "Succeeded")
    assert f"The canary with client_id {canary} may be stored" in text


def test_a_new_endpoint_that_ignores_the_header_fails_the_run_and_meets_one_canary(
    namespace: Namespace, stranger: Json
) -> None:
    namespace.deploy()
    namespace.until_available("clients")
    test = namespace.start("joined", load={**LONG, "virtualUsers": 4}, parallelism=4, target=TARGET)
    test.until_running()

    namespace.add_to_service(stranger, "clients")
    status = test.until_completed()

    assert reason(status, "Succeeded") == "Violation"
    assert_one_canary_was_stored(namespace, stranger, status)
    assert addresses([stranger]).isdisjoint(test.results(status)["steps"][0]["addresses"])


def held_between_verification_and_start(namespace: Namespace, name: str, **spec: object) -> Test:
    """A test whose first pod has verified the target, and whose second the namespace does not admit yet."""
    used = len(namespace.rest.items(f"/api/v1/namespaces/{namespace.name}/pods"))
    limit_pods(namespace, used + 1, used)
    test = namespace.start(name, target=TARGET, **spec)
    test.until("verified by its first pod", lambda status: "pod 0 proved the target" in status.get("message", ""), 90)
    return test


def select(namespace: Namespace, service: str, deployment: str) -> None:
    """Point a Service at another Deployment's pods."""
    path = f"/api/v1/namespaces/{namespace.name}/services/{service}"
    selector = {"spec": {"selector": {"app.kubernetes.io/name": deployment}}}
    namespace.rest.call("PATCH", path, selector, content_type="application/merge-patch+json")


def test_a_service_that_is_pointed_at_a_backend_without_the_header_before_the_start_is_never_loaded(
    namespace: Namespace, stranger: Json
) -> None:
    namespace.deploy()
    namespace.until_available("clients")
    test = held_between_verification_and_start(namespace, "pointed", load=LONG)

    select(namespace, "clients", "ignorant")
    status = test.until_completed()

    assert reason(status, "Verified") == "LoadTestHeaderIgnored"
    assert_one_canary_was_stored(namespace, stranger, status)


def test_a_target_rolled_out_before_the_start_is_verified_again_and_only_its_new_pods_are_loaded(
    namespace: Namespace,
) -> None:
    namespace.deploy()
    namespace.scale("clients", 2)
    old = addresses(namespace.pods())
    namespace.deploy("others")
    namespace.until_available("others")
    new = addresses(namespace.pods("others"))
    test = held_between_verification_and_start(namespace, "moved")

    select(namespace, "clients", "others")
    namespace.rest.delete(namespace.deployment("clients"))
    test.until("moved", lambda _: not namespace.pods("clients"), 60)
    limit_pods(namespace, 100, len(namespace.rest.items(f"/api/v1/namespaces/{namespace.name}/pods")))
    status = test.until_completed()

    assert status["verdict"] in ("Passed", "Inconclusive"), status["message"]
    (step,) = test.results(status)["steps"]
    assert set(step["addresses"]) == new
    assert step["requests"]["accepted"] == step["requests"]["sent"] > 0
    assert old <= set(status["verification"]["vanished"])


def test_with_a_number_of_records_new_pods_are_used_also_once_the_first_pod_is_done(namespace: Namespace) -> None:
    namespace.deploy()
    namespace.until_available("clients")
    old = addresses(namespace.pods())
    # Of three virtual users the first pod has two, so that it is done in half the time that the other takes.
    load = {"batchSize": 200, "virtualUsers": 3, "records": 200 * 400, "thinkTime": "200ms"}
    test = namespace.start("counted", load=load, parallelism=2, target=TARGET)
    test.until("its first pod is done", lambda status: (status.get("pods") or {}).get("succeeded") == 1, 90)

    namespace.roll_out("clients")

    def moved(status: Json) -> bool:
        seen = status.get("verification") or {}
        return old <= set(seen.get("vanished", ())) and bool(set(seen.get("addresses", ())) - old)

    new = set(test.until("its target rolled out", moved, 60)["verification"]["addresses"]) - old
    (step,) = test.results(test.until_completed())["steps"]
    assert all(step["addresses"][address]["accepted"] > 0 for address in new)


@pytest.fixture
def replicas(namespace: Namespace) -> list[Json]:
    """Three ready pods of a target that end as soon as they are told to."""
    namespace.deploy()
    namespace.scale("clients", 3)
    return namespace.pods()


def vanished(test: Test, gone: set[str]) -> None:
    def has_vanished(status: Json) -> bool:
        return gone <= set((status.get("verification") or {}).get("vanished", ()))

    test.until("followed its target", has_vanished, 90)


def stopped(test: Test) -> Json:
    """The status of a test that was stopped, which is all that is to be said of it.

    So many uploads are waited for that those which the target's pods cut at their end are few among them.
    """
    test.until("well under way", lambda status: status["progress"]["recordsConfirmed"] >= ENOUGH_RECORDS, 120)
    test.patch(stop=True)
    status = test.until_completed()
    assert reason(status, "Succeeded") == "Stopped", (status["reasons"], status["health"])
    return status


def assert_no_crash_is_claimed(test: Test, status: Json, gone: set[str]) -> Json:
    """What failed, failed at addresses that left, and is called that; every upload is accounted for. Gives the step."""
    said = json.dumps(status) + json.dumps(test.events())
    assert "went down" not in said
    assert "OOMKilled" not in said
    assert "crashed" not in said
    summary = test.results(status)
    (step,) = summary["steps"]
    spread, requests = step["addresses"], step["requests"]

    def at(addresses: set[str], *names: str) -> int:
        return sum(spread[address].get(name, 0) for address in addresses for name in names)

    everywhere = set(spread)
    lost = at(everywhere, "refused", "unanswered", "cut")
    assert at(everywhere - gone, "failed") == 0, spread
    assert at(everywhere, "failed") == lost, spread
    assert at(everywhere, "sent") == requests["sent"]
    assert requests["sent"] == sum(requests[name] for name in ("accepted", "rejected", "unknown", "violation"))
    assert bool(lost) == any("preStop" in text for text in status["health"]["evidence"])
    assert bool(lost) == any(found["cause"] == "pods_left" for found in summary["diagnoses"])
    assert {found["cause"] for found in summary["diagnoses"]} <= {"pods_left", "high_error_rate"}
    return step


def test_pods_that_are_scaled_away_are_left_at_once_and_have_not_crashed(
    namespace: Namespace, replicas: list[Json]
) -> None:
    test = namespace.start("scaled", load=BUSY, target=WATCHED)
    test.until_running()

    namespace.scale("clients", 1)
    gone = addresses(replicas) - addresses([pod for pod in namespace.pods() if is_there(pod)])
    vanished(test, gone)
    status = stopped(test)

    assert len(gone) == 2
    assert_no_crash_is_claimed(test, status, gone)
    assert (status["target"]["restarts"], status["target"]["replacedPods"]) == (0, 0)


def test_a_rollout_of_pods_that_end_at_once_is_no_crash(namespace: Namespace, replicas: list[Json]) -> None:
    test = namespace.start("restarted", load=BUSY, target=TARGET)
    test.until_running()

    namespace.roll_out("clients")
    gone = addresses(replicas)
    vanished(test, gone)
    status = stopped(test)

    assert_no_crash_is_claimed(test, status, gone)


def test_with_a_pre_stop_hook_nothing_is_said_of_a_rollout(namespace: Namespace, replicas: list[Json]) -> None:
    before = addresses(replicas)
    namespace.set_pre_stop("clients", 4)
    namespace.until_rolled_out("clients")
    gone = addresses([pod for pod in namespace.pods() if is_there(pod)])
    assert not before & gone
    test = namespace.start("prepared", load=BUSY, target=TARGET)
    test.until_running()

    namespace.roll_out("clients")
    vanished(test, gone)
    status = stopped(test)

    step = assert_no_crash_is_claimed(test, status, gone)
    assert (step["requests"]["accepted"], step["errors"]) == (step["requests"]["sent"], {})
    assert step["requests"]["rerouted"] == 0
    assert "diagnoses" not in status["summary"]


def test_a_pod_that_is_evicted_is_a_warning_with_its_name(namespace: Namespace, replicas: list[Json]) -> None:
    test = namespace.start("evicted", load=BUSY, target=WATCHED)
    test.until_running()
    taken = replicas[0]["metadata"]["name"]

    namespace.evict(replicas[0])
    vanished(test, addresses(replicas[:1]))
    test.until("its replacement seen", lambda status: status["target"]["ready"] == 3, 60)
    status = stopped(test)

    assert status["evicted"] == [f"{taken} (EvictionByEvictionAPI)"]
    assert status["health"]["level"] == "Warning"
    assert any("1 pod of the target was evicted" in text and taken in text for text in status["health"]["evidence"])
    assert (status["target"]["replacedPods"], status["target"]["restarts"]) == (0, 0)
    assert_no_crash_is_claimed(test, status, addresses(replicas[:1]))


def test_a_drain_that_takes_a_pod_of_the_fleet_too_says_so_and_proves_nothing(
    namespace: Namespace, replicas: list[Json]
) -> None:
    test = namespace.start("drained", load=BUSY, target=TARGET)
    test.until_running()

    for pod in (replicas[0], test.pods()[0]):
        namespace.evict(pod)
    status = test.until_completed()

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "PodLost")
    assert "evicted (EvictionByEvictionAPI" in message(status, "Completed")
    assert replicas[0]["metadata"]["name"] in status["evicted"][0]
    assert "went down" not in json.dumps(status)


def is_there(pod: Json) -> bool:
    return "deletionTimestamp" not in pod["metadata"]
