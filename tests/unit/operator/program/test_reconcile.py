"""One turn, against an API server that refuses some of it."""

import logging
from dataclasses import replace
from typing import Any, cast

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import EVENTS, LOADTESTS, Api, ApiError
from loadtest_operator.facts.observation import Observation
from loadtest_operator.observe.contenders import Contenders
from loadtest_operator.observe.memory import Memory
from loadtest_operator.observe.observer import Observer
from loadtest_operator.observe.roster import Roster
from loadtest_operator.program.metrics import RunMetrics
from loadtest_operator.program.reconcile import Reconciler, ReconcilerDependencies
from loadtest_operator.ui.running import Turns
from support.operator_builders import POLICY, a_fleet_spec, a_new_observation

KEPT_METADATA = {"uid": "uid-1", "creationTimestamp": "2026-11-29T10:00:00Z"}
TERMINATING = (
    'events "heavy.1" is forbidden: unable to create new content in namespace shop because it is being terminated'
)


class WithoutEvents(Api):
    """Takes every status and no Event."""

    def __init__(self, refusal: str) -> None:
        super().__init__(Configuration())
        self._refusal = refusal
        self.refused_events = 0

    async def patch(self, kind: str, namespace: str, name: str, body: dict[str, Any], *_: Any) -> dict[str, Any]:
        assert (kind, name) == (LOADTESTS, f"{body['metadata']['name']}/status")
        return {"spec": {}, **body, "metadata": {**body["metadata"], "namespace": namespace, **KEPT_METADATA}}

    async def create(self, kind: str, *_: Any, **__: Any) -> dict[str, Any]:
        assert kind == EVENTS
        self.refused_events += 1
        raise ApiError(403, "Forbidden", self._refusal)


class OneTest:
    """Looks at one test, whose turn it is; it is suspended unless the spec says otherwise."""

    def __init__(self, **spec: Any) -> None:
        self._observation = a_new_observation(a_fleet_spec(**{"suspend": True, **spec}))
        self.released: list[str] = []
        self.distrusted: list[str] = []

    async def observe(self, *_: str) -> Observation:
        return self._observation

    def with_latest_endpoints(self, observation: Observation) -> Observation:
        return observation

    async def with_turn(self, observation: Observation) -> Observation:
        return observation

    def release(self, uid: str) -> None:
        self.released.append(uid)

    def distrust(self, uid: str) -> None:
        self.distrusted.append(uid)


class ChangedTest(OneTest):
    """Changes between the look at it and the decision."""

    async def with_turn(self, observation: Observation) -> Observation:
        return replace(observation, test=replace(observation.test, resource_version="later"))


class NothingToDo:
    async def perform(self, _observation: Observation, actions: tuple[object, ...]) -> tuple[()]:
        assert actions == ()
        return ()


async def reconcile(api: Api, test: OneTest, roster: Roster | None = None) -> float | None:
    parts = ReconcilerDependencies(
        api,
        cast("Observer", test),
        roster or Roster(),
        cast("Contenders", test),
        cast("Actor", NothingToDo()),
        POLICY,
        Memory(lambda: 100.0),
        RunMetrics(),
        Turns(),
        lambda: 100.0,
    )
    return await Reconciler(parts, lambda _key: None).reconcile(("shop", "heavy"))


@pytest.mark.parametrize(("refusal", "warnings"), [(TERMINATING, 0), ("events is forbidden", 1)])
async def test_an_event_that_is_refused_is_worth_a_warning_unless_its_namespace_is_being_deleted(
    refusal: str, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with WithoutEvents(refusal) as api:
        await reconcile(api, OneTest())

        assert api.refused_events == 1
    assert len(caplog.records) == warnings


async def test_a_test_that_has_changed_since_it_was_looked_at_is_looked_at_again_before_anything_is_done() -> None:
    test = ChangedTest(suspend=False)
    async with WithoutEvents("") as api:
        assert await reconcile(api, test) == pytest.approx(0.2)

        assert api.refused_events == 0
    assert test.released == [(await test.observe()).test.identity.uid]


async def test_a_test_whose_job_only_the_line_has_seen_is_looked_at_again_before_anything_is_done() -> None:
    test = OneTest(suspend=False)
    observation = await test.observe()
    uid, roster = observation.test.identity.uid, Roster()
    labels = {UID_LABEL: uid, RUN_LABEL: observation.run_id}
    roster.see_child({"metadata": {"uid": "job", "resourceVersion": "7", "labels": labels}}, is_pod=False)
    async with WithoutEvents("") as api:
        assert await reconcile(api, test, roster) == pytest.approx(0.2)

        assert api.refused_events == 0
    assert (test.released, test.distrusted) == ([uid], [uid])
