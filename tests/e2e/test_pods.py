"""What a test says of its pods, where the installation allows it: an alias for the target, labels, places."""

from collections.abc import Iterator

import pytest

from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace, Test, reason
from support.network_policies import ConnectionEnd, allows_egress
from support.operators import reinstall

NAME = "staging.example.com"
URL = f"http://{NAME}:8000/clients/upload/process/"
LIST = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/loadtest-operator-targets"
TARGETS = f"cluster-services\n{NAME}"


@pytest.fixture(scope="module", autouse=True)
def installation(rest: Rest, namespace: Namespace) -> Iterator[None]:
    """One that lists a host of its own as a target, and allows one prefix of labels."""
    namespace.deploy_slow()
    reinstall(rest, LOADTEST_TARGETS=TARGETS, LOADTEST_POD_PREFIXES="example.com/")
    _list(rest, namespace, TARGETS, passes=True)
    namespace.until_available("clients")
    yield
    reinstall(rest)
    _list(rest, namespace, "cluster-services", passes=False)


def _list(rest: Rest, namespace: Namespace, targets: str, *, passes: bool) -> None:
    """Set the list of targets that the API server holds, and wait until it does."""
    rest.call("PATCH", LIST, {"data": {"targets": targets}}, content_type="application/merge-patch+json")
    manifest = namespace.manifest("asked", target={"url": URL})

    def taken() -> bool:
        try:
            rest.call("POST", rest.path_of(manifest).rpartition("/")[0], manifest, query={"dryRun": "All"})
        except RestError:
            return False
        return True

    wait_for("the list of targets", lambda: taken() is passes, 30)


def start(namespace: Namespace, name: str, **pod: object) -> Test:
    return namespace.start(name, target={"url": URL, "timeout": "20s"}, pod=pod)


def alias(ip: str) -> list[Json]:
    return [{"ip": ip, "hostnames": [NAME]}]


def test_a_target_is_loaded_under_an_alias_by_pods_with_labels_and_a_place(namespace: Namespace) -> None:
    (target,) = namespace.pods()
    ip = target["status"]["podIP"]
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "other"}}}
    preferred = [{"weight": 7, "podAffinityTerm": term}]
    test = start(
        namespace,
        "aliased",
        hostAliases=alias(ip),
        labels={"example.com/team": "shop"},
        annotations={"example.com/note": "a note"},
        affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    )
    test.until_running()
    (policy,) = namespace.rest.items(
        f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/networkpolicies", f"x-load-test.dev/uid={test.uid}"
    )
    status = test.until_completed()
    pod = test.pods()[0]
    itself = ConnectionEnd(pod["status"]["podIP"], namespace.name, pod["metadata"]["labels"])

    assert status["verdict"] == "Passed", status["reasons"]
    assert status["verification"]["addresses"] == [f"{ip}:8000"]
    assert pod["metadata"]["labels"]["example.com/team"] == "shop"
    assert pod["metadata"]["annotations"]["example.com/note"] == "a note"
    (kept,) = pod["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert (kept["weight"], kept["podAffinityTerm"]["topologyKey"]) == (7, "zone")
    assert allows_egress(policy, itself, ConnectionEnd(ip), 8000)
    assert not allows_egress(policy, itself, ConnectionEnd("203.0.113.9"), 8000)


def test_an_alias_does_not_hide_that_another_test_loads_the_same_target(namespace: Namespace) -> None:
    (target,) = namespace.pods()
    holder = namespace.start("holder", load={"batchSize": 200, "virtualUsers": 2, "duration": "300s"})
    holder.until_running()

    test = start(namespace, "behind-an-alias", hostAliases=alias(target["status"]["podIP"]))
    status = test.until("queued", lambda status: reason(status, "Verified") == "TargetBusy", 20)

    assert "test holder loads the same target" in status["message"]
    namespace.rest.delete(test.path)
    namespace.rest.delete(holder.path)


@pytest.mark.parametrize(
    ("pod", "why", "said"),
    [
        ({"labels": {"other.com/team": "shop"}}, "PodLabelRefused", "pods.allowedPrefixes"),
        ({"annotations": {"linkerd.io/inject": "enabled"}}, "PodAnnotationRefused", "spec.pod.mesh"),
        ({"hostAliases": alias("169.254.169.254")}, "HostAliasRefused", "spec.pod.hostAliases[0].ip"),
    ],
    ids=["a label", "a switch of a mesh", "an alias of a metadata service"],
)
def test_what_the_installation_does_not_allow_ends_before_there_is_a_pod(
    namespace: Namespace, pod: Json, why: str, said: str
) -> None:
    test = start(namespace, why.lower(), **pod)

    status = test.until_completed(30)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Failed", why)
    assert said in status["message"]
    assert test.children() == []
