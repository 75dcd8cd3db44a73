"""What is looked at beside a running load holds nothing up, whatever the API server does."""

import asyncio
from typing import Any

import pytest

from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames
from loadtest_operator.observe.targets import BESIDE_SECONDS, TargetReader
from support.builders import URL
from support.operator_builders import a_fleet_spec, a_test
from support.virtual_time import run_in_virtual_time

WATCHED = a_test(a_fleet_spec(target={"url": URL, "workload": {"kind": "Deployment", "name": "clients"}}))


class Troubled(Api):
    """An API server that answers each request with an error, or without one never."""

    def __init__(self, error: ApiError | None) -> None:
        self._error = error

    async def _request(self, *_: Any, **__: Any) -> Any:
        if self._error is None:
            await asyncio.Event().wait()
        raise self._error or AssertionError


@pytest.mark.parametrize(
    "error", [None, ApiError(500, "InternalError", "etcd"), ApiError(429, "TooManyRequests", ""), ApiError(0, "", "")]
)
def test_endpoints_and_workload_that_cannot_be_read_are_done_without(error: ApiError | None) -> None:
    async def look() -> tuple[Any, Any, float]:
        loop = asyncio.get_running_loop()
        reader = TargetReader(Troubled(error), ServiceNames("cluster.local"), RefusalWatch(loop.time))
        began = loop.time()
        async with asyncio.timeout(60):
            endpoints = await reader.endpoints_under_load(WATCHED)
            workload = await reader.workload_under_load(WATCHED, "", with_use=False)
        return endpoints, workload, loop.time() - began

    endpoints, workload, seconds = run_in_virtual_time(look())

    assert endpoints is None
    assert workload.problem == "WorkloadNotSeen"
    assert seconds <= 2 * BESIDE_SECONDS
