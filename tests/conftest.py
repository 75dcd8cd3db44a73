"""The cluster that every test of the operator shares: a real control plane with the operator installed."""

import sys
from collections.abc import Iterator

import pytest

from localcluster.cluster import LocalCluster, local_cluster
from localcluster.installation import (
    OPERATOR,
    OPERATOR_NAMESPACE,
    install_operator,
    wait_until_available,
    wait_until_served,
)
from localcluster.rest import Rest


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """A local cluster with the operator installed and available."""

    def report(text: str) -> None:
        print(text, file=sys.__stderr__)

    with local_cluster(report=report) as made:
        rest = Rest.from_kubeconfig(made.kubeconfig)
        install_operator(rest)
        wait_until_served(rest)
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
        yield made


@pytest.fixture(scope="session")
def rest(cluster: LocalCluster) -> Rest:
    return Rest.from_kubeconfig(cluster.kubeconfig)
