"""The cluster that every test of the operator shares, with the operator installed: CLUSTER says which."""

import sys
from collections.abc import Iterator

import pytest

from loadtests.operators import install
from localcluster.choice import Kind, chosen, cluster_of
from localcluster.cluster import Cluster
from localcluster.installation import (
    OPERATOR,
    OPERATOR_NAMESPACE,
    wait_until_available,
    wait_until_served,
)
from localcluster.rest import Rest


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("process_node"):
        if chosen() is not Kind.LOCAL:
            pytest.skip(f"CLUSTER={chosen()}: {marker.args[0]}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with the operator installed and available."""

    def report(text: str) -> None:
        print(text, file=sys.__stderr__)

    with cluster_of(chosen(), report) as made:
        rest = Rest.from_kubeconfig(made.kubeconfig)
        install(rest)
        wait_until_served(rest)
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
        yield made


@pytest.fixture(scope="session")
def rest(cluster: Cluster) -> Rest:
    return Rest.from_kubeconfig(cluster.kubeconfig)
