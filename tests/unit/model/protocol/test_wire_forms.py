"""What earlier versions wrote is read as they meant it, and a run that began under one of them comes to its verdict.

Each file in tests/wire was recorded by the version that it is named for; see tests/wire/record.py.
"""

import json
from dataclasses import replace
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadgen.measure.recorder import Recorder
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.plan import Plan, plan_hash
from loadtest_model.protocol import commands
from loadtest_model.protocol.last_word import decode_last_word
from loadtest_model.report.status import Phase
from loadtest_model.report.time_series import rows_of_csv
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import WriteResults
from loadtest_operator.facts.observation import Observation, ObservedPod
from loadtest_operator.facts.resources import instant, observed_job, observed_pod, observed_test, termination_message
from support.operator_builders import PLAN, POLICY, decide_end
from wire.record import meaning

Json = dict[str, Any]
VERSIONS = sorted((Path(__file__).resolve().parents[3] / "wire").glob("*.json"))


@cache
def wire_record(version: Path) -> Json:
    record: Json = json.loads(version.read_text())
    return record


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def version(request: pytest.FixtureRequest) -> Json:
    return wire_record(request.param)


def decode(wire: Json, kind: type[Any]) -> Any:
    return msgspec.json.decode(json.dumps(wire), type=kind)


def forms(version: Json) -> list[tuple[Json, type[Any]]]:
    """Everything that was recorded beside its meaning."""
    forms: list[tuple[Json, type[Any]]] = [(plan, Plan) for plan in version["plans"].values()]
    forms += [(form, getattr(commands, name)) for name, form in version["commands"].items()]
    return [*forms, (version["snapshot"], Snapshot)]


def without_what_is_new(now: Any, then: Any) -> Any:
    """Today's meaning, but for fields that there were none of then."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: without_what_is_new(value, then[key]) for key, value in now.items() if key in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [without_what_is_new(*pair) for pair in zip(now, then, strict=True)]
    return now


def test_what_was_written_means_what_it_meant(version: Json) -> None:
    for form, kind in forms(version):
        assert without_what_is_new(meaning(decode(form["wire"], kind)), form["meaning"]) == form["meaning"]


def test_what_was_read_is_written_as_it_was_written_then(version: Json) -> None:
    """So a version that is rolled back to reads what this one writes."""
    for form, kind in forms(version):
        wire = json.loads(msgspec.json.encode(decode(form["wire"], kind)))
        assert without_what_is_new(wire, form["wire"]) == form["wire"]


def test_a_pod_numbers_its_steps_and_says_whether_it_finished_them_as_version_0_1_0_reads_it() -> None:
    recorder = Recorder(0, 1)
    recorder.open_step(PLAN.steps[0], 0).mark_complete()
    recorder.open_step(PLAN.steps[0], 0)

    encoded_steps = json.loads(msgspec.json.encode(recorder.read(0, 0)[1]))

    assert [step["step"] for step in encoded_steps] == [0, 1]
    assert [step.get("finished", False) for step in encoded_steps] == [True, False]
    assert all(isinstance(step.get("finished", False), bool) for step in encoded_steps)


def test_a_plan_keeps_its_hash_so_that_its_pods_take_the_start(version: Json) -> None:
    for plan in version["plans"].values():
        assert plan_hash(decode(plan["wire"], Plan)) == plan["hash"]


def test_a_field_that_a_newer_version_adds_is_ignored(version: Json) -> None:
    for wire, kind in [
        (version["plans"]["light"]["wire"], Plan),
        *[(form["wire"], getattr(commands, name)) for name, form in version["commands"].items()],
    ]:
        assert decode({**wire, "fromTheFuture": {"anything": [1]}}, kind) == decode(wire, kind)
    wire = version["snapshot"]["wire"]
    future = {**wire, "fromTheFuture": 1, "steps": [{**step, "fromTheFuture": 1} for step in wire["steps"]]}
    assert decode(future, Snapshot) == decode(wire, Snapshot)


def observation_of(version: Json, moment: str, *, snapshots: bool = True) -> Observation:
    """What this version's operator sees of the recorded run: in the middle, or after its pods have ended.

    The status is the one that stood there while the test ran: no operator saw the end.
    """
    run = version["run"]
    test = observed_test(run["during"]["loadtest"])
    assert test.spec is not None, test.spec_error
    job = observed_job(run[moment]["job"], test.identity.uid)
    heard = {snapshot["podUid"]: decode(snapshot, Snapshot) for snapshot in run[moment]["snapshots"]}
    pods = []
    for raw in run[moment]["pods"]:
        pod: ObservedPod = observed_pod(raw)
        word = decode_last_word(termination_message(raw))
        if pod.container_end is not None:
            pod = replace(pod, container_end=replace(pod.container_end, has_last_word=word is not None))
        pods.append(
            replace(pod, snapshot=heard[pod.uid] if snapshots else word, is_reachable=pod.container_end is None)
        )
    assert job.plan is not None
    started_at = instant(test.record.started_at or "")
    after_seconds = max(snapshot.elapsed_seconds for snapshot in heard.values())
    return Observation(
        test=test,
        now=(started_at + timedelta(seconds=after_seconds)).astimezone(UTC),
        run_id="1",
        job=job,
        pods=tuple(sorted(pods, key=lambda pod: pod.index)),
    )


def test_a_run_of_the_version_before_goes_on_under_this_one(version: Json) -> None:
    observation = observation_of(version, "during")

    decision = decide(observation, POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.RUNNING
    assert [pod.state for pod in observation.pods] == [PodState.RUNNING] * 2
    assert not decision.actions


@pytest.mark.parametrize("snapshots", [True, False], ids=["by their snapshots", "by their last words"])
def test_a_run_of_the_version_before_comes_to_its_verdict(version: Json, snapshots: bool) -> None:
    decision = decide_end(observation_of(version, "after", snapshots=snapshots))

    assert version["run"]["after"]["loadtest"]["status"]["phase"] == "Running"
    assert decision.status is not None
    assert (decision.status.phase, decision.status.verdict) == (Phase.COMPLETED, Verdict.PASSED)
    (results,) = [action for action in decision.actions if isinstance(action, WriteResults)]
    summary = json.loads(results.manifest["data"]["summary.json"])
    accepted = sum(step["total"]["accepted"] for made in version["run"]["after"]["snapshots"] for step in made["steps"])
    assert summary["requests"]["accepted"] == accepted > 0
    assert sum(pod["sent"] for pod in summary["pods"]) == summary["requests"]["sent"]
    assert len(summary["pods"]) == 2
    assert all(pod["p95"] and pod["records_per_second"] for pod in summary["pods"])
    assert summary["distribution"][-1]["seconds"] == summary["response_time_seconds"]["max"]
    assert len(summary["steps"][0]["plateaus"]) == (1 if snapshots else 0)
    assert summary["slowest"] == []
    assert "kind: LoadTest" in summary["manifest"]
    rows = rows_of_csv(results.manifest["data"]["time_series.csv"])
    # The pods of version 0.1.0 tell neither percentiles nor errors of a second.
    assert {(row.p95_response_seconds, row.errors) for row in rows} <= {(None, "")}
