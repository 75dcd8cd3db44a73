"""An image that the node has not, and that no registry gives to it."""

from collections.abc import Iterator

import pytest

from localcluster.cluster import Cluster
from localcluster.realnode.cluster import RealCluster
from support.loadtests import Namespace, message, reason

IMAGE = "docker.io/library/loadtest-operator:dev"
ELSEWHERE = "docker.io/library/set-aside:dev"


@pytest.fixture
def without_the_image(cluster: Cluster) -> Iterator[RealCluster]:
    assert isinstance(cluster, RealCluster)
    cluster.tag_image(IMAGE, ELSEWHERE)
    cluster.untag_image(IMAGE)
    yield cluster
    cluster.tag_image(ELSEWHERE, IMAGE)


def test_it_is_named_while_it_is_waited_for_and_the_test_runs_once_it_is_there(
    namespace: Namespace, without_the_image: RealCluster
) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("imageless")

    waiting = test.until("the image is missed", lambda status: reason(status, "Verified") == "ImageMissing", 60)
    without_the_image.tag_image(ELSEWHERE, IMAGE)
    status = test.until_completed()

    assert "loadtest-operator:dev" in message(waiting, "Verified")
    assert "image.repository" in message(waiting, "Verified")
    assert status["verdict"] == "Passed", status
