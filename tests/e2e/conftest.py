"""A namespace for each test module, since targets take seconds to start."""

from collections.abc import Iterator

import pytest

from loadtests import Namespace, make_namespace
from loadtests.operators import renew
from localcluster.cluster import Cluster
from localcluster.rest import Rest


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, rest: Rest, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    renew(rest)
    made = make_namespace(cluster, rest, request.module.__name__.removeprefix("test_"))
    yield made
    rest.delete(f"/api/v1/namespaces/{made.name}")
