"""One refusal (403) decides nothing: what may not be read is read again, and only a refusal that lasts counts."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import ENDPOINT_SLICES, SERVICES, Api, ApiError
from loadtest_operator.facts.destinations import Destinations
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.observe.destinations import DestinationReader
from loadtest_operator.observe.refusals import LASTING_SECONDS, RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames
from loadtest_operator.observe.targets import TargetReader
from support.operator_builders import a_fleet_spec, a_test
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]
T = TypeVar("T")

SERVICE: Json = {"metadata": {"name": "clients"}, "spec": {"ports": [{"port": 8000}], "selector": {"app": "clients"}}}
SLICE: Json = {"endpoints": [{"addresses": ["10.0.0.5"]}], "ports": [{"name": "", "port": 8000}]}
ACCEPTING = a_test(
    a_fleet_spec(target={"url": "http://clients.shop.svc:8000/"}, verification={"unreadableEndpoints": "Accept"})
)


class RefusingApi(Api):
    """An API server with one Service that refuses the first so many readings of a kind."""

    def __init__(self, **refusals: int) -> None:
        super().__init__(Configuration())
        self.refusals = refusals
        self.readings = 0

    def _read(self, kind: str) -> None:
        self.readings += 1
        plural = kind.rpartition("/")[2]
        if self.refusals.get(plural, 0) > 0:
            self.refusals[plural] -= 1
            raise ApiError(403, "Forbidden", f"{plural} is forbidden")

    async def get(self, kind: str, _namespace: str | None, _name: str) -> Json | None:
        self._read(kind)
        return SERVICE

    async def list(self, kind: str, *_: Any, **__: Any) -> list[Json]:
        self._read(kind)
        return [SLICE]


def seconds_of_reading(api: Api, read: Callable[[TargetReader], Coroutine[Any, Any, T]]) -> tuple[T, float]:
    async def read_once() -> tuple[T, float]:
        clock = asyncio.get_running_loop().time
        began_at = clock()
        result = await read(TargetReader(api, ServiceNames("cluster.local"), RefusalWatch(clock)))
        return result, clock() - began_at

    return run_in_virtual_time(read_once())


@pytest.mark.parametrize("kind", [SERVICES, ENDPOINT_SLICES])
@pytest.mark.parametrize("refusals", [1, 2])
def test_a_passing_refusal_costs_no_endpoint_its_proof(kind: str, refusals: int) -> None:
    api = RefusingApi(**{kind.rpartition("/")[2]: refusals})

    endpoints, seconds = seconds_of_reading(api, lambda reader: reader.endpoints(ACCEPTING))

    assert endpoints == Endpoints(("10.0.0.5:8000",))
    assert seconds < LASTING_SECONDS


def test_a_refusal_that_lasts_is_accepted_where_the_test_accepts_it() -> None:
    endpoints, seconds = seconds_of_reading(
        RefusingApi(endpointslices=10**6), lambda reader: reader.endpoints(ACCEPTING)
    )

    assert endpoints == Endpoints(may_be_hidden=True)
    assert LASTING_SECONDS <= seconds < LASTING_SECONDS + 2


def test_a_refusal_that_has_lasted_is_not_waited_for_again() -> None:
    async def read_twice(reader: TargetReader) -> float:
        await reader.endpoints(ACCEPTING)
        began_at = asyncio.get_running_loop().time()
        await reader.endpoints(ACCEPTING)
        return asyncio.get_running_loop().time() - began_at

    assert seconds_of_reading(RefusingApi(services=10**6), read_twice)[0] == 0.0


def test_refusals_that_are_far_apart_with_success_between_are_not_lasting() -> None:
    async def read_apart(reader: TargetReader) -> Endpoints:
        await reader.endpoints(ACCEPTING)
        await asyncio.sleep(100)
        api.refusals["services"] = 1
        return await reader.endpoints(ACCEPTING)

    api = RefusingApi(services=1)

    assert seconds_of_reading(api, read_apart)[0].addresses


def test_a_test_that_accepts_nothing_hears_of_the_refusal_at_once() -> None:
    test = a_test(a_fleet_spec(target={"url": "http://clients.shop.svc:8000/"}))

    endpoints, seconds = seconds_of_reading(RefusingApi(services=1), lambda reader: reader.endpoints(test))

    assert endpoints.problem == "EndpointsNotReadable"
    assert seconds == 0.0


def test_a_passing_refusal_does_not_make_the_api_server_a_target() -> None:
    addresses, _ = seconds_of_reading(RefusingApi(endpointslices=1), lambda reader: reader.api_server())

    assert addresses == ("10.0.0.5:8000",)


def test_a_passing_refusal_does_not_widen_what_pods_may_connect_to() -> None:
    async def read(api: Api) -> Destinations:
        watch = RefusalWatch(asyncio.get_running_loop().time)
        return await DestinationReader(api, ServiceNames("cluster.local"), watch).destinations(ACCEPTING)

    refused_once = run_in_virtual_time(read(RefusingApi(services=1)))

    assert refused_once == run_in_virtual_time(read(RefusingApi()))
    assert refused_once.places[0].labels == {"app": "clients"}
