"""Whose turn it is, from the lists that the API server gives."""

from typing import Any

import pytest

from loadtest_model.reasons import Reason
from loadtest_operator.facts.names import RUN_LABEL, UID_LABEL
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import observed_test, run_id_of
from loadtest_operator.observe.contenders import Contenders
from loadtest_operator.observe.identities import Identities
from loadtest_operator.policy.line import Limits
from support.fake_api import FakeApi
from support.operator_builders import NOW

Json = dict[str, Any]

URL = "http://192.0.2.7:8000/"
RUNNING = {"phase": "Running", "runId": "1", "planHash": "p"}
COMPLETED = {"phase": "Completed", "runId": "1", "planHash": "p"}


def a_test(uid: str, status: Json, url: str = URL, **spec: Any) -> Json:
    metadata = {"namespace": "shop", "name": uid, "uid": uid, "resourceVersion": "1", "generation": 2}
    return {
        "metadata": {**metadata, "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {"target": {"url": url}, "scenario": "light", **spec},
        "status": status,
    }


def a_pod_of(uid: str, run_id: str = "1") -> Json:
    return {"metadata": {"name": f"{uid}-0", "labels": {UID_LABEL: uid, RUN_LABEL: run_id}}}


async def turn_of(asking: Json, **held: list[Json]) -> Reason | None:
    async with FakeApi(**held) as api, FakeApi() as of_targets:
        identities = Identities(of_targets, (), "cluster.local", lambda: 0.0)
        contenders = Contenders(api, identities, (), Limits(), lambda: NOW)
        seen = observed_test(asking)
        observation = await contenders.with_turn(Observation(test=seen, now=NOW, run_id=run_id_of(seen)))
        return observation.turn.reason


@pytest.mark.parametrize("left_of_its_earlier_run", [[], [a_pod_of("again")]])
async def test_a_new_run_waits_for_others_whatever_is_left_of_the_earlier_one(left_of_its_earlier_run: Json) -> None:
    asking = a_test("again", COMPLETED, runId="2")
    beside = a_test("beside", RUNNING, concurrency="Allow")

    reason = await turn_of(
        asking, loadtests=[asking, beside], pods=[a_pod_of("beside"), *left_of_its_earlier_run], jobs=[]
    )

    assert reason == "TargetBusy"


async def test_what_is_left_of_its_own_earlier_run_keeps_no_test_waiting() -> None:
    asking = a_test("again", COMPLETED, runId="2")

    assert await turn_of(asking, loadtests=[asking], pods=[a_pod_of("again")], jobs=[]) is None


async def test_a_test_whose_url_cannot_be_read_keeps_no_other_from_its_turn() -> None:
    asking, odd = a_test("asks", {}), a_test("odd", {}, url="http://a\u2100b/")

    assert await turn_of(asking, loadtests=[odd, asking], pods=[], jobs=[]) is None
