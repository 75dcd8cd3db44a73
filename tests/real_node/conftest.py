"""What only containers, a kernel's limits and a scheduler show; each module has a restricted namespace."""

from collections.abc import Iterator

import pytest

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.cluster import Cluster
from localcluster.rest import Rest
from support.loadtests import Namespace, make_namespace
from support.operators import replace_killed_operator


@pytest.fixture(scope="session", autouse=True)
def on_a_real_node() -> None:
    if cluster_kind() is not ClusterKind.NODE:
        pytest.skip(f"CLUSTER={cluster_kind()}: these tests need CLUSTER=node")


@pytest.fixture(scope="module")
def namespace(
    on_a_real_node: None, cluster: Cluster, rest: Rest, request: pytest.FixtureRequest
) -> Iterator[Namespace]:
    replace_killed_operator(rest)
    new_namespace = make_namespace(cluster, rest, request.module.__name__.removeprefix("test_"))
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new_namespace.name, "labels": labels}})
    yield new_namespace
    rest.delete(f"/api/v1/namespaces/{new_namespace.name}")
