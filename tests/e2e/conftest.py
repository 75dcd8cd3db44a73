"""A namespace for each test module, since targets take seconds to start."""

import sys
from collections.abc import Iterator

import pytest

from localcluster.choice import ClusterKind, cluster_kind, cluster_of
from localcluster.cluster import Cluster
from localcluster.rest import Rest
from support.browser_fixtures import axe, browser
from support.loadtests import Namespace, make_namespace
from support.operators import replace_killed_operator

__all__ = ["axe", "bare", "browser", "namespace"]


@pytest.fixture(scope="module")
def bare() -> Iterator[Cluster]:
    """A cluster of a module's own, without an operator."""
    if cluster_kind() is ClusterKind.CURRENT:
        pytest.skip("a cluster that exists already may have an operator of its own")
    with cluster_of(cluster_kind(), lambda text: print(text, file=sys.__stderr__)) as new_cluster:
        yield new_cluster


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, rest: Rest, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    replace_killed_operator(rest)
    new_namespace = make_namespace(cluster, rest, request.module.__name__.removeprefix("test_"))
    yield new_namespace
    rest.delete(f"/api/v1/namespaces/{new_namespace.name}")
