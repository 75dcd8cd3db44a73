"""What targets are known by, where nothing needs to be asked of the cluster."""

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.spec.pod import HostAlias
from loadtest_operator.cluster.api import Api
from loadtest_operator.observe.identities import Identities

UNREADABLE = "http://a\u2100b/"
"""No URL to Python, which reads `a/cb` in it, and one to the API server's CEL."""


async def nobody(_host: str) -> frozenset[str]:
    return frozenset()


@pytest.mark.parametrize(
    ("url", "aliases"),
    [(UNREADABLE, ()), ("http://shop/", (HostAlias(ip="nowhere", hostnames=("shop",)),))],
)
async def test_a_target_that_cannot_be_told_is_known_by_nothing_and_stops_nobody(
    url: str, aliases: tuple[HostAlias, ...]
) -> None:
    async with Api(Configuration(host="http://127.0.0.1:9")) as api:
        identities = Identities(api, (), "cluster.local", lambda: 0.0, nobody)

        assert await identities.identities_of(url, "shop", aliases) == frozenset()
