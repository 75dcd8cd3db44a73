"""A Job that the API server does not take: what can be waited for is told apart from what is invalid."""

import asyncio
import time
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.decide.actions import CreateJob, JobRefused
from support.archivers import a_follow_up
from support.operator_builders import NOW, a_new_observation


class RefusingApi(Api):
    """An API server that refuses every object with one status."""

    def __init__(self, status: int) -> None:
        super().__init__(Configuration())
        self._status = status

    async def create(self, *_: Any, **__: Any) -> Any:
        raise ApiError(self._status, "Refused", "not this one")


@pytest.mark.parametrize(
    ("status", "is_invalid"), [(400, True), (413, True), (422, True), (401, False), (403, False), (404, False)]
)
async def test_only_a_refusal_of_the_object_itself_is_final(status: int, is_invalid: bool) -> None:
    async with RefusingApi(status) as api:
        actor = Actor(
            api, PodClient(b"key", time.monotonic), time.monotonic, lambda: NOW, asyncio.sleep, a_follow_up(api)
        )

        outcomes = await actor.perform(a_new_observation(), (CreateJob({"metadata": {"name": "heavy-1"}}),))

    assert outcomes == (JobRefused("not this one", is_invalid=is_invalid),)
