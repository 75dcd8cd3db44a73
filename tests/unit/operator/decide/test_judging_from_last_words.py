"""An operator that was away until the pods were over judges from their last words as one that was there."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.silence import Silence
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.measurement.timeline import Timeline
from loadtest_model.protocol.last_word import decode_last_word, encode_last_word
from loadtest_model.report.status import ConditionType, Status
from loadtest_model.values import NANOSECONDS
from loadtest_operator.decide import decide
from loadtest_operator.facts.observation import ContainerEnd, ObservedPod
from support.operator_builders import POLICY, a_fleet_plan, a_fleet_spec, a_job, a_pod, a_snapshot, an_observation

SPEC = a_fleet_spec(thresholds=["error_rate < 1%", "service_p95 < 60s", "p95 < 60s"])
PLAN = a_fleet_plan(SPEC)


def a_loaded_snapshot(index: int, *, frozen: tuple[int, int] = (0, 0), stall_seconds: float = 0.0) -> Snapshot:
    """A pod that uploaded once a second for a minute, but for the seconds in which its target was frozen."""
    recorder = Recorder(index, 2)
    step = recorder.open_step(PLAN.steps[0], 0)
    for second in range(60):
        if frozen[0] <= second < frozen[1]:
            continue
        began = second * NANOSECONDS
        finished = frozen[1] * NANOSECONDS if second == frozen[0] - 1 else began + NANOSECONDS // 2
        flight = step.begin(began)
        step.finish(
            flight,
            Sample(
                intended_ns=began,
                sent_ns=began,
                finished_ns=finished,
                rows=1_000,
                error=None,
                records_confirmed=1_000,
                bytes_sent=1_000,
                has_begun=True,
            ),
        )
    step.record_lag(int(stall_seconds * NANOSECONDS))
    step.mark_complete()
    step.end(60 * NANOSECONDS)
    recorder.freeze()
    _, steps = recorder.read(0, 61 * NANOSECONDS)
    return a_snapshot(index, PodState.DONE, steps=steps)


def judged(
    snapshots: list[Snapshot],
    *,
    is_there: bool,
    loses: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
) -> Status:
    """The verdict of an operator that read everything, or of one that has the last words alone."""
    timeline, pods = Timeline(), []
    for index, snapshot in enumerate(snapshots):
        received = snapshot
        pod: ObservedPod = a_pod(index)
        if not is_there:
            word = decode_last_word(encode_last_word(snapshot))
            assert word is not None
            received = structs.replace(word, steps=tuple(structs.replace(step, **(loses or {})) for step in word.steps))
            ended = ContainerEnd(exit_code=0, reason="Completed", has_last_word=True)
            pod = replace(pod, is_running=False, container_end=ended)
        pods.append(replace(pod, snapshot=timeline.add_snapshot(received), is_reachable=is_there))
    series = timeline.series([pod.uid for pod in pods])
    look = an_observation(*pods, begun=True, spec=SPEC, job=a_job(plan=PLAN), series=series)
    look = replace(look, test=replace(look.test, status={"runId": "1", **(record or {})}))
    status = decide(look, POLICY).status
    assert status is not None
    return status


def reason_of(status: Status, kind: ConditionType) -> str:
    condition = status.condition(kind)
    assert condition is not None
    return condition.reason


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "away"])
def test_a_frozen_target_is_critical_for_an_operator_that_was_there_and_for_one_that_was_away(is_there: bool) -> None:
    status = judged([a_loaded_snapshot(index, frozen=(10, 46)) for index in (0, 1)], is_there=is_there)

    assert (status.verdict, reason_of(status, ConditionType.SUCCEEDED)) == (Verdict.FAILED, "HealthCritical")
    assert "no answer for 37 s" in status.message


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "away"])
def test_a_target_that_answered_one_pod_was_not_silent(is_there: bool) -> None:
    status = judged([a_loaded_snapshot(0, frozen=(10, 46)), a_loaded_snapshot(1)], is_there=is_there)

    assert status.verdict is Verdict.PASSED


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "away"])
def test_a_silence_in_which_the_generator_was_stopped_is_not_the_targets(is_there: bool) -> None:
    snapshots = [a_loaded_snapshot(index, frozen=(10, 46), stall_seconds=36.0) for index in (0, 1)]

    status = judged(snapshots, is_there=is_there)

    assert status.health is not None
    assert [text for text in status.health.evidence if "no answer" in text] == []


def test_last_words_decide_every_threshold_and_the_condition_tells_what_else_is_missing() -> None:
    status = judged([a_loaded_snapshot(index) for index in (0, 1)], is_there=False)

    assert status.verdict is Verdict.PASSED
    assert [result.passed for result in status.thresholds] == [True, True, True]
    assert reason_of(status, ConditionType.RESULTS_COMPLETE) == "ResultsMissing"
    assert (
        "the seconds of 120 of 120 uploads are missing"
        in [
            condition.message for condition in status.conditions if condition.type is ConditionType.RESULTS_COMPLETE
        ].pop()
    )


def test_times_that_a_last_word_has_no_room_for_leave_the_run_inconclusive_and_are_named() -> None:
    status = judged([a_loaded_snapshot(index) for index in (0, 1)], is_there=False, loses={"service": Sketch()})

    assert (status.verdict, reason_of(status, ConditionType.SUCCEEDED)) == (Verdict.INCONCLUSIVE, "ResultsMissing")
    assert "service_p95 < 60s" in status.message
    assert "lengthen the load" not in " ".join(status.reasons)


def test_everything_is_complete_for_an_operator_that_was_there() -> None:
    status = judged([a_loaded_snapshot(index) for index in (0, 1)], is_there=True)

    assert (status.verdict, reason_of(status, ConditionType.RESULTS_COMPLETE)) == (Verdict.PASSED, "AllPodsReported")


def test_a_silence_that_nobody_can_tell_of_leaves_the_run_inconclusive() -> None:
    status = judged([a_loaded_snapshot(index) for index in (0, 1)], is_there=False, loses={"silence": Silence()})

    assert (status.verdict, reason_of(status, ConditionType.SUCCEEDED)) == (Verdict.INCONCLUSIVE, "ResultsMissing")
    assert "120 of 120 uploads are in no second that was read" in status.message


def test_a_silence_on_record_stands_where_it_cannot_be_judged_again() -> None:
    evidence = "custom: no answer for 36 s with uploads in flight"
    record = {"health": {"level": "Critical", "evidence": [evidence, "custom: error rate 9.00% is above 5%"]}}
    snapshots = [a_loaded_snapshot(index) for index in (0, 1)]

    lost = judged(snapshots, is_there=False, loses={"silence": Silence()}, record=record)
    known = judged(snapshots, is_there=False, record=record)

    assert (lost.verdict, reason_of(lost, ConditionType.SUCCEEDED)) == (Verdict.FAILED, "HealthCritical")
    assert lost.reasons[0] == evidence
    assert known.verdict is Verdict.PASSED


def test_a_breach_on_record_stands_where_its_times_are_lost_and_nothing_can_undo_it() -> None:
    record = {
        "thresholds": [
            {"expression": "service_max < 5s", "value": 7.5, "passed": False, "step": ""},
            {"expression": "service_p95 < 5s", "value": 7.5, "passed": False, "step": ""},
        ]
    }
    snapshots = [a_loaded_snapshot(index) for index in (0, 1)]

    status = judged(snapshots, is_there=False, loses={"service": Sketch()}, record=record)

    assert (status.verdict, reason_of(status, ConditionType.SUCCEEDED)) == (Verdict.FAILED, "ThresholdBreached")
    assert status.reasons[0] == "threshold service_max < 5s is breached: measured 7.500 s"
    assert "service_p95 < 60s cannot be judged" in " ".join(status.reasons)


def test_what_an_earlier_run_has_on_record_does_not_stand() -> None:
    record = {"runId": "0", "health": {"level": "Critical", "evidence": ["custom: no answer for 36 s"]}}

    status = judged(
        [a_loaded_snapshot(index) for index in (0, 1)], is_there=False, loses={"silence": Silence()}, record=record
    )

    assert status.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("seconds", "verdict"), [(50.0, Verdict.INCONCLUSIVE), (20.0, Verdict.PASSED)])
def test_a_percentile_that_is_too_coarse_to_tell_on_which_side_of_its_bound_it_lies_decides_nothing(
    seconds: float, verdict: Verdict
) -> None:
    times = sketch_of([int(seconds * NANOSECONDS)] * 60 + [90 * NANOSECONDS]).coarsen(5)

    status = judged([a_loaded_snapshot(index) for index in (0, 1)], is_there=False, loses={"service": times})

    assert status.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert reason_of(status, ConditionType.SUCCEEDED) == "ResultsMissing"
        assert "last words had no room for finer percentiles" in status.message
