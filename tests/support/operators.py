"""The operator of the tests' cluster: installed with other settings, and renewed after it was killed."""

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, install_operator, wait_until_available
from localcluster.rest import Json, Rest, wait_for
from support.manifest_tools import chart_objects

# Of several tests at once all pods must fit a node of two cores.
_SMALL_PODS = '{"limits":{"memory":"512Mi"},"requests":{"cpu":"50m","memory":"64Mi"}}'


def install(rest: Rest, **settings: str) -> None:
    """Install the operator as tests need it, with settings over those; do not wait."""
    kind_settings = {} if cluster_kind() is ClusterKind.LOCAL else {"LOADTEST_POD_RESOURCES": _SMALL_PODS}
    install_operator(rest, {**kind_settings, **settings})


def reinstall(rest: Rest, **settings: str) -> None:
    """Give the operator other settings, and wait until the old one is gone and the new one ready."""
    old_pods = operators(rest)
    install(rest, **settings)
    _wait_for_others(rest, old_pods)


def reinstall_chart(rest: Rest, values: Json) -> None:
    """Install the chart with values of a test's own, and wait until the old operator is gone and the new one ready."""
    old_pods = operators(rest)
    is_local = cluster_kind() is ClusterKind.LOCAL
    for document in chart_objects({"policy.allowLoopback": is_local, **values}, namespace=OPERATOR_NAMESPACE):
        rest.apply(document, OPERATOR_NAMESPACE)
    _wait_for_others(rest, old_pods)


def replace_killed_operator(rest: Rest) -> None:
    """Replace an operator that was killed: with each kill the node waits longer before it starts it again."""
    killed_pods = [
        pod
        for pod in operators(rest)
        if any(container["restartCount"] for container in pod["status"].get("containerStatuses", ()))
    ]
    _replace(rest, killed_pods)


def restart_operator(rest: Rest) -> None:
    """Have another operator take over, and wait until it is ready.

    One that is told to end lets go of the Lease; after a kill the next one has to wait until that expires.
    """
    _replace(rest, operators(rest))


def _replace(rest: Rest, old_pods: list[Json]) -> None:
    for pod in old_pods:
        rest.delete(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod['metadata']['name']}")
    if old_pods:
        _wait_for_others(rest, old_pods)


def operators(rest: Rest) -> list[Json]:
    return rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator")


def _wait_for_others(rest: Rest, old_pods: list[Json]) -> None:
    uids = {pod["metadata"]["uid"] for pod in old_pods}
    wait_for("the operator to be replaced", lambda: not uids & {pod["metadata"]["uid"] for pod in operators(rest)}, 60)
    wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
