"""Results are written once: those that exist are never replaced, and a refusal is told."""

import asyncio
import time
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.decide.actions import ActionOutcome, ResultsExist, ResultsNotWritten, WriteResults
from support.archivers import a_follow_up
from support.operator_builders import NOW, a_new_observation


class Refusing(Api):
    """Answers each request with one error, and writes down what was asked for."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(Configuration())
        self.error = error
        self.methods: list[str] = []

    async def _request(self, method: str, _path: str, *_: Any, **__: Any) -> Any:
        self.methods.append(method)
        raise self.error


async def outcomes_of(api: Refusing) -> tuple[ActionOutcome, ...]:
    async with api:
        actor = Actor(
            api, PodClient(b"key", time.monotonic), time.monotonic, lambda: NOW, asyncio.sleep, a_follow_up(api)
        )
        return await actor.perform(a_new_observation(), (WriteResults({"metadata": {"name": "heavy-results"}}),))


async def test_results_that_exist_are_not_replaced() -> None:
    api = Refusing(ApiError(409, "AlreadyExists", "configmaps exist"))

    assert await outcomes_of(api) == (ResultsExist(),)
    assert api.methods == ["POST"]


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (404, "NotFound")])
async def test_a_refusal_to_take_the_results_is_told(status: int, reason: str) -> None:
    api = Refusing(ApiError(status, reason, "no room"))

    assert await outcomes_of(api) == (ResultsNotWritten("no room"),)


async def test_an_outage_asks_for_another_turn() -> None:
    with pytest.raises(ApiError):
        await outcomes_of(Refusing(ApiError(503, "ServiceUnavailable", "later")))
