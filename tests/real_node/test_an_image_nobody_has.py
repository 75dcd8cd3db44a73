"""An image that no registry gives to the node."""

from collections.abc import Iterator

import pytest

from loadtests import Namespace, message, reason
from loadtests.operators import reinstall
from localcluster.rest import Rest

IMAGE = "loadtest-operator:nobody-has-this"


@pytest.fixture
def pods_without_an_image(rest: Rest) -> Iterator[None]:
    """The operator runs, and gives its pods an image that cannot be had."""
    reinstall(rest, LOADTEST_IMAGE=IMAGE)
    yield
    reinstall(rest)


def test_it_is_named_while_it_is_waited_for_and_the_test_can_be_stopped(
    namespace: Namespace, pods_without_an_image: None
) -> None:
    namespace.deploy_unhurried()
    namespace.available("clients")
    test = namespace.start("imageless")

    waiting = test.until("the image is missed", lambda status: reason(status, "Verified") == "ImageMissing", 60)
    test.patch(stop=True)
    status = test.completed(30)

    assert IMAGE in message(waiting, "Verified")
    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Stopped")
