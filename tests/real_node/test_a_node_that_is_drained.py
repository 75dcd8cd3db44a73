"""A node that is emptied for maintenance while a test runs on it."""

from collections.abc import Iterator

import pytest

from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace, reason, reasons

NODE = "/api/v1/nodes/node"
LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}


def cordon(rest: Rest, *, unschedulable: bool) -> None:
    rest.call("PATCH", NODE, {"spec": {"unschedulable": unschedulable}}, content_type="application/merge-patch+json")


def evict(rest: Rest, pod: Json) -> None:
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    rest.call("POST", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction", eviction)


@pytest.fixture
def cordoned(rest: Rest) -> Iterator[None]:
    """The node takes no new pods, as `kubectl drain` has it before it evicts."""
    cordon(rest, unschedulable=True)
    yield
    cordon(rest, unschedulable=False)


def test_a_drain_that_takes_the_fleet_ends_the_run_without_blaming_the_target(
    namespace: Namespace, cordoned: None
) -> None:
    rest = namespace.rest
    cordon(rest, unschedulable=False)
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("drained", load=LONG)
    test.until_running()

    cordon(rest, unschedulable=True)
    for pod in [*test.pods(), *namespace.pods("clients")]:
        try:
            evict(rest, pod)
        except RestError as error:
            # The fleet ends with its first pod, and what has ended may be gone.
            if error.status != 404:
                raise
    status = test.until_completed(90)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "PodLost"), status
    said = " ".join(reasons(status))
    assert "evict" in said
    assert "OOMKilled" not in said
    wait_for("the target to wait for a node", lambda: [pod for pod in namespace.pods() if _is_pending(pod)], 60)


def _is_pending(pod: Json) -> bool:
    return bool(pod["status"].get("phase") == "Pending")
