"""What is written to a test itself is written to that very one."""

import asyncio
import time
from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_model.report.labels import FINISHED_RUN_ANNOTATION
from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import Api
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.decide.actions import MarkFinished, ObserveGeneration
from support.archivers import a_follow_up
from support.operator_builders import NOW, a_new_observation


class Recorder(Api):
    """Writes down what would be sent."""

    def __init__(self) -> None:
        super().__init__(Configuration())
        self.sent: list[tuple[str, str, Any]] = []

    async def _request(self, method: str, path: str, *rest: Any, **_: Any) -> Any:
        self.sent.append((method, path.rpartition("/loadtests/")[2], rest[1]))
        return {}


async def test_a_test_made_anew_under_the_name_of_a_finished_one_is_not_marked_as_finished() -> None:
    observation = a_new_observation()
    uid = observation.test.identity.uid
    async with Recorder() as api:
        actor = Actor(
            api, PodClient(b"key", time.monotonic), time.monotonic, lambda: NOW, asyncio.sleep, a_follow_up(api)
        )

        await actor.perform(observation, (MarkFinished("1"), ObserveGeneration(3)))

        assert api.sent == [
            ("PATCH", "heavy", {"metadata": {"uid": uid, "annotations": {FINISHED_RUN_ANNOTATION: "1"}}}),
            ("PATCH", "heavy/status", {"metadata": {"uid": uid}, "status": {"observedGeneration": 3}}),
        ]
