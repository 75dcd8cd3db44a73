"""What all tests share: how many examples a law is tried on, and the cluster with the operator installed."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from localcluster.choice import ClusterKind, cluster_kind, cluster_of
from localcluster.cluster import Cluster
from localcluster.installation import (
    OPERATOR,
    OPERATOR_NAMESPACE,
    wait_until_available,
    wait_until_in_force,
    wait_until_served,
)
from localcluster.rest import Rest
from support.longest_first import pytest_collection_modifyitems, pytest_runtest_logreport, pytest_sessionfinish
from support.operators import install

__all__ = [
    "cluster",
    "pytest_collection_modifyitems",
    "pytest_runtest_logreport",
    "pytest_sessionfinish",
    "rest",
]

# The machine's speed must not decide a test. What gates a change tries the same examples each time, so that a law that
# was broken before does not stop a change that left it alone; by hand each run tries others.
settings.register_profile("laws", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("laws"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "laws"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes that are no text by their argument: a time of compression in an id differs between two workers."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


def pytest_collection_finish() -> None:
    """Keep thousands of collected tests out of every later look for garbage: those looks were a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("process_node"):
        if cluster_kind() is not ClusterKind.LOCAL:
            pytest.skip(f"CLUSTER={cluster_kind()}: {marker.args[0]}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with the operator installed and available."""

    def report(text: str) -> None:
        print(text, file=sys.__stderr__)

    with cluster_of(cluster_kind(), report) as new_cluster:
        rest = Rest.from_kubeconfig(new_cluster.kubeconfig)
        install(rest)
        wait_until_served(rest)
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
        wait_until_in_force(rest)
        yield new_cluster


@pytest.fixture(scope="session")
def rest(cluster: Cluster) -> Rest:
    return Rest.from_kubeconfig(cluster.kubeconfig)
