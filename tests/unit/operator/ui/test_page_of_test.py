"""The page of one test: from the last turn while it runs, else from the API server, and honest where neither is."""

import base64
import gzip
import json
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.pages.live.view import LiveView
from loadtest_model.report.labels import RUN_LABEL
from loadtest_model.report.status import LOAD_RUNS, Phase
from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.decide import decide
from loadtest_operator.manifests.common import owner_reference
from loadtest_operator.manifests.results import results
from loadtest_operator.ui.finished import results_in
from loadtest_operator.ui.page_of_test import PageOfTest
from loadtest_operator.ui.running import Turns, load_figures
from support.operator_builders import (
    PLAN,
    POLICY,
    a_measured_step,
    a_pod,
    a_run_result,
    an_observation,
    decide_end,
    next_observation,
)

Json = dict[str, Any]
KEY = ("shop", "heavy")
RESULTS = "heavy-0a1b2c3d-results"


class SomeApi(Api):
    """An API server with these objects by their names; `problem` is what it answers instead."""

    def __init__(self, **objects: Json) -> None:
        super().__init__(Configuration())
        self.objects = objects
        self.problem: dict[str, ApiError] = {}
        self.readings: list[str] = []

    async def get(self, kind: str, _namespace: str | None, name: str) -> Json | None:
        plural = kind.rpartition("/")[2]
        self.readings.append(f"{plural}/{name}")
        if plural in self.problem:
            raise self.problem[plural]
        return self.objects.get(name)


def a_resource(**status: Any) -> Json:
    metadata = {"namespace": "shop", "name": "heavy", "uid": "uid-1", "creationTimestamp": "2026-03-01T10:00:00Z"}
    spec = {"target": {"url": "http://clients:8000/upload/"}, "scenario": "heavy"}
    return {"metadata": metadata, "spec": spec, "status": status}


def no_turn(_key: object) -> None:
    return None


def working_here() -> str:
    return ""


def a_page(api: Api, turns: Turns | None = None, role: str = "") -> PageOfTest:
    return PageOfTest(api, KEY, turns.last if turns is not None else no_turn, lambda: role)


def text_of(view: LiveView) -> str:
    return " ".join(part.markup for part in view.parts)


def turns_under_load() -> Turns:
    observation = an_observation(*(a_pod(index, PodState.RUNNING) for index in range(2)), begun=True)
    turns = Turns()
    turns.show(observation, decide(observation, POLICY))
    return turns


def the_key(turns: Turns) -> tuple[str, str]:
    ((key),) = turns._turns
    return key


async def test_a_test_under_load_is_shown_from_the_last_turn_without_asking_the_api_server() -> None:
    turns, api = turns_under_load(), SomeApi()
    page = PageOfTest(api, the_key(turns), turns.last, working_here)

    view = await page.render()

    assert [part.id for part in view.parts][:4] == ["standing", "figures", "judgement", "course"]
    assert "Thresholds so far" in text_of(view)
    assert LOAD_RUNS.capitalize() not in text_of(view)
    assert api.readings == []


async def test_the_figures_of_a_run_are_those_of_its_status() -> None:
    turns = turns_under_load()
    turn = turns.last(the_key(turns))
    assert turn is not None
    figures = load_figures(turn)

    assert figures is not None
    assert figures.summary.thresholds == turn.status.thresholds
    assert figures.summary.health == turn.status.health
    assert [pod.index for pod in figures.summary.pods] == [0, 1]
    assert turn.status.progress is not None
    assert figures.progress.records_confirmed == turn.status.progress.records_confirmed


async def test_the_last_turn_of_a_test_is_forgotten_when_it_has_completed_or_is_gone() -> None:
    ended = an_observation(*(a_pod(index, PodState.DONE) for index in range(2)), begun=True)
    turns = turns_under_load()
    key = the_key(turns)
    decision = decide_end(ended)
    while decision.status is None or decision.status.phase is not Phase.COMPLETED:
        turns.show(ended, decision)
        assert turns.last(key) is not None
        ended = next_observation(ended, decision)
        decision = decide(ended, POLICY)
    turns.show(ended, decision)
    assert turns.last(key) is None

    turns = turns_under_load()
    turns.forget(key)
    assert turns.last(key) is None


async def test_a_replica_that_waits_shows_the_status_and_says_so() -> None:
    api = SomeApi(heavy=a_resource(phase="Running", message=LOAD_RUNS))
    view = await a_page(api, role="this replica waits to take over").render()

    assert "This replica waits to take over." in text_of(view)
    assert "course" not in dict(view.parts)


async def test_a_test_that_is_not_there_is_missing() -> None:
    view = await a_page(SomeApi()).render()

    assert view.is_missing
    assert "There is no LoadTest shop/heavy" in text_of(view)


def results_of_a_run(**fields: Any) -> Json:
    """The results as the API server has them."""
    aggregate, summary = a_run_result(a_measured_step())
    config_map = results(PLAN, aggregate, summary, RESULTS)
    owners = [owner_reference("heavy", "uid-1")]
    made = {"uid": "map-1", "creationTimestamp": "2026-03-01T11:00:00Z", "ownerReferences": owners}
    config_map["metadata"] |= {**made, **fields}
    return config_map


def an_ended_resource(results_name: str = RESULTS) -> Json:
    return a_resource(phase="Completed", verdict="Passed", runId="1", results={"configMap": results_name})


async def test_a_test_that_has_ended_is_its_report_read_once() -> None:
    api = SomeApi(**{"heavy": an_ended_resource(), RESULTS: results_of_a_run()})
    page = a_page(api)

    view, again = await page.render(), await page.render()

    assert view == again
    assert [part.id for part in view.parts][:2] == ["verdict", "download"]
    assert 'href="heavy/report.html"' in text_of(view)
    assert "kubectl loadtest report heavy -n shop" in text_of(view)
    assert api.readings.count(f"configmaps/{RESULTS}") == 1


async def test_a_later_run_with_the_same_run_id_is_shown_by_its_own_results() -> None:
    api = SomeApi(**{"heavy": an_ended_resource(), RESULTS: results_of_a_run()})
    page = a_page(api)
    await page.render()
    api.objects |= {"heavy": an_ended_resource("heavy-later-results"), "heavy-later-results": results_of_a_run()}

    await page.render()

    assert api.readings[-1] == "configmaps/heavy-later-results"


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [owner_reference("heavy", "another-uid")]},
        {"labels": {RUN_LABEL: "2"}},
        {"name": "somebodys-own"},
    ],
    ids=["of_another_test", "of_another_run", "no_results"],
)
async def test_a_config_map_that_is_not_the_results_of_the_run_is_not_shown(metadata: Json) -> None:
    api = SomeApi(**{"heavy": an_ended_resource(), RESULTS: results_of_a_run(**metadata)})

    assert "There are no results, or they were removed." in text_of(await a_page(api).render())


async def test_another_run_of_the_test_takes_the_place_of_the_report() -> None:
    api = SomeApi(**{"heavy": an_ended_resource(), RESULTS: results_of_a_run()})
    page = a_page(api)
    await page.render()
    api.objects["heavy"] = a_resource(phase="Queued", message="waits for its turn", runId="2")

    assert "Waits for its turn." in text_of(await page.render()).replace("waits", "Waits")


async def test_results_that_may_not_be_read_are_told_with_what_the_status_has() -> None:
    failed = {"phase": "Completed", "verdict": "Failed", "message": "threshold p95 is breached", "runId": "1"}
    api = SomeApi(heavy=a_resource(**failed, results={"configMap": RESULTS}))
    api.problem["configmaps"] = ApiError(403, "Forbidden", "configmaps is forbidden")

    text = text_of(await a_page(api).render())

    assert "Failed" in text
    assert "Threshold p95 is breached." in text
    assert "The operator may not read the results: configmaps is forbidden." in text


async def test_results_that_were_removed_are_told() -> None:
    api = SomeApi(heavy=an_ended_resource())

    assert "There are no results, or they were removed." in text_of(await a_page(api).render())


async def test_while_the_api_server_is_away_the_last_view_stays_and_says_so() -> None:
    api = SomeApi(heavy=a_resource(phase="Queued", message="waits"))
    page = a_page(api)
    before = await page.render()
    api.problem["loadtests"] = ApiError(0, "", "connection refused")

    during = await page.render()
    api.problem.clear()
    after = await page.render()

    assert during.parts[0].id == "notice"
    assert "connection refused" in during.parts[0].markup
    assert during.parts[1:] == before.parts == after.parts


def test_what_a_configmap_holds_is_read_as_figures_or_not_at_all() -> None:
    good = results_of_a_run()
    assert results_in(good) is not None
    for broken in ({}, {"data": {"summary.json": "<script>"}}, {"data": {"summary.json": json.dumps({"name": "x"})}}):
        assert results_in(broken) is None
    bad_series = {**good, "data": {**good["data"], "time_series.csv": "step,second\n<script>,x\n"}}
    read = results_in(bad_series)
    assert read is not None
    assert read.rows == ()


def test_a_compressed_file_that_comes_to_too_much_is_left_out() -> None:
    bomb = base64.b64encode(gzip.compress(b"0" * (8 * 1024 * 1024))).decode()
    read = results_in({**results_of_a_run(), "binaryData": {"report.html.gz": bomb}})

    assert read is not None
    assert read.report is None


def test_the_report_is_the_file_as_it_was_written() -> None:
    config_map = results_of_a_run()
    read = results_in(config_map)

    assert read is not None
    assert read.report == gzip.decompress(base64.b64decode(config_map["binaryData"]["report.html.gz"]))
