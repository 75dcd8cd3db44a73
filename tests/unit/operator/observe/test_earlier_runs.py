"""The earlier runs of a test are read once, from its own results alone."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.earlier_runs import RunOnRecord, StepOnRecord
from loadtest_model.baseline.traits import traits_of
from loadtest_model.report.labels import RUN_LABEL, VERDICT_LABEL
from loadtest_model.report.status import Results
from loadtest_operator.cluster.api import ApiError
from loadtest_operator.facts.observation import ObservedJob, ObservedTest, RecordedStatus
from loadtest_operator.manifests.common import owner_reference
from loadtest_operator.observe.earlier_runs import EarlierRuns
from loadtest_operator.observe.memory import Memory
from support.builders import IDENTITY
from support.fake_api import FakeApi
from support.operator_builders import START, a_fleet_plan, a_fleet_spec, a_job, a_test

Json = dict[str, Any]

SPEC = a_fleet_spec(thresholds=["p95 < baseline + 10%"])
PLAN = a_fleet_plan(SPEC)
STARTED = a_test(SPEC, RecordedStatus(run_id="1", start=START))
JUDGED = a_test(SPEC, RecordedStatus(run_id="1", start=START, results=Results(config_map="heavy-own-results")))


def a_config_map(run_id: str, day: int, owner_uid: str = IDENTITY.uid, verdict: str = "Passed") -> Json:
    run = RunOnRecord(
        name="heavy",
        verdict=verdict,
        started_at=f"2026-01-{day:02}T00:00:00Z",
        run_id=run_id,
        traits=traits_of(PLAN),
        steps=(StepOnRecord(name="custom", blocks=StepBlocks()),),
    )
    return {
        "metadata": {
            "name": f"heavy-{run_id}-results",
            "uid": f"uid-{run_id}",
            "creationTimestamp": f"2026-01-{day:02}T01:00:00Z",
            "ownerReferences": [owner_reference(IDENTITY.name, owner_uid)],
            "labels": {RUN_LABEL: run_id, VERDICT_LABEL: verdict},
        },
        "data": {"summary.json": msgspec.json.encode(run).decode()},
    }


class ConfigMaps(FakeApi):
    """An API server that selects ConfigMaps as it is asked to; `reads` has the names of those that were read whole."""

    def __init__(self, *config_maps: Json) -> None:
        super().__init__(configmaps=list(config_maps))
        self.reads: list[str] = []
        self.refusal: ApiError | None = None

    async def list(
        self,
        kind: str,
        _namespace: str | None = None,
        selector: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> list[Json]:
        if self.refusal is not None:
            raise self.refusal
        found = [each for each in await super().list(kind) if _selects(selector, fields, each["metadata"])]
        if not metadata_only:
            self.reads += [each["metadata"]["name"] for each in found]
            return found
        return [{"metadata": each["metadata"]} for each in found]


def _selects(selector: str, fields: str, metadata: Json) -> bool:
    if fields:
        return fields == f"metadata.name={metadata['name']}"
    labels = {
        **metadata["labels"],
        "app.kubernetes.io/managed-by": "loadtest-operator",
        "x-load-test.dev/uid": IDENTITY.uid,
    }
    for term in selector.split(","):
        name, sign, value = term.partition("!=") if "!=" in term else term.partition("=")
        if (labels.get(name) == value) == (sign == "!="):
            return False
    return True


def earlier_runs(api: FakeApi) -> EarlierRuns:
    return EarlierRuns(api, Memory(lambda: 100.0))


def a_started_job(**fields: Any) -> ObservedJob:
    return a_job(plan=PLAN, **fields)


async def test_the_passed_runs_of_the_test_are_read_once_the_newest_first() -> None:
    config_maps = [a_config_map("v1", 1), a_config_map("v3", 3), a_config_map("v2", 2)]
    async with ConfigMaps(*config_maps) as api:
        runs = earlier_runs(api)

        looks = [await runs.baseline(STARTED, a_started_job()) for _ in range(3)]

    assert looks[0] is not None
    assert [run.run_id for run in looks[0].runs] == ["v3", "v2", "v1"]
    assert looks[1] is looks[0]
    assert api.reads == [f"heavy-{run_id}-results" for run_id in ("v3", "v2", "v1")]


@pytest.mark.parametrize(
    "config_map",
    [
        a_config_map("own", 5),
        a_config_map("v5", 5, verdict="Failed"),
        a_config_map("v5", 5, owner_uid="somebody-else"),
        {**a_config_map("v5", 5), "data": {"summary.json": "{"}},
    ],
    ids=["the_run_itself", "failed", "of_another_owner", "torn"],
)
async def test_what_is_no_earlier_passed_run_of_the_test_is_not_compared(config_map: Json) -> None:
    async with ConfigMaps(config_map, a_config_map("v1", 1)) as api:
        baseline = await earlier_runs(api).baseline(JUDGED, a_started_job())

    assert baseline is not None
    assert [run.run_id for run in baseline.runs] == ["v1"]


async def test_an_earlier_run_that_had_the_same_run_id_is_compared_too() -> None:
    async with ConfigMaps(a_config_map("1", 1)) as api:
        baseline = await earlier_runs(api).baseline(JUDGED, a_started_job())

    assert baseline is not None
    assert [run.run_id for run in baseline.runs] == ["1"]


async def test_no_more_is_read_than_may_be_needed_of_many_runs() -> None:
    async with ConfigMaps(*(a_config_map(f"v{number}", number) for number in range(1, 29))) as api:
        baseline = await earlier_runs(api).baseline(STARTED, a_started_job())

    assert baseline is not None
    assert len(baseline.runs) == 5
    assert len(api.reads) == 10


@pytest.mark.parametrize(
    ("test", "job"),
    [
        (a_test(SPEC), a_started_job()),
        (STARTED, None),
        (STARTED, a_job(plan=structs.replace(PLAN, steps=a_fleet_plan().steps))),
    ],
    ids=["before_the_start", "without_a_job", "without_such_a_threshold"],
)
async def test_nothing_is_read_where_nothing_is_to_be_compared(test: ObservedTest, job: ObservedJob | None) -> None:
    async with ConfigMaps(a_config_map("v1", 1)) as api:
        assert await earlier_runs(api).baseline(test, job) is None

    assert api.requested_kinds == []


async def test_an_operator_that_may_not_list_results_says_so() -> None:
    async with ConfigMaps() as api:
        api.refusal = ApiError(403, "Forbidden", "configmaps is forbidden")
        baseline = await earlier_runs(api).baseline(STARTED, a_started_job())

    assert baseline is not None
    assert "may not list ConfigMaps" in baseline.problem


async def test_an_outage_voids_the_look_so_that_the_next_one_reads_again() -> None:
    async with ConfigMaps(a_config_map("v1", 1)) as api:
        runs = earlier_runs(api)
        api.refusal = ApiError(503, "ServiceUnavailable", "etcd")
        with pytest.raises(ApiError):
            await runs.baseline(STARTED, a_started_job())
        api.refusal = None

        baseline = await runs.baseline(STARTED, a_started_job())

    assert baseline is not None
    assert len(baseline.runs) == 1
