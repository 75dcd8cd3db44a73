"""When a status is worth a write, and how much it may hold."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from msgspec import structs

from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import HaltReason, PodState, ProofLevel, Refusal, VerificationReport
from loadtest_model.reasons import Reason
from loadtest_model.report.references import resolve
from loadtest_model.report.status import STATUS_LIMIT_BYTES, ConditionType, Phase, Status
from loadtest_model.report.status_summary import StatusDiagnosis
from loadtest_operator.decide import decide
from loadtest_operator.decide.budget import essential, once, within_limit
from loadtest_operator.decide.writing import COURSE_SECONDS, status_to_write
from loadtest_operator.facts.observation import Observation, ObservedPod
from loadtest_operator.policy.line import Turn
from support.operator_builders import (
    NOW,
    POLICY,
    a_killed_pod,
    a_measured_step,
    a_new_observation,
    a_pending_pod,
    a_pod,
    a_snapshot,
    an_observation,
    decide_end,
    status_json,
)


def running_after(seconds: float) -> Status:
    steps = (structs.replace(a_measured_step(finished=False), load_seconds=seconds),)
    snapshots = [a_snapshot(index, PodState.RUNNING, steps=steps, elapsed_seconds=seconds) for index in range(2)]
    pods = [replace(a_pod(index), snapshot=made, is_reachable=True) for index, made in enumerate(snapshots)]
    status = decide(an_observation(*pods, begun=True, now=NOW), POLICY).status
    assert status is not None
    return status


def test_a_status_that_says_nothing_new_is_not_written() -> None:
    status = running_after(10)

    assert status_to_write(status, status_json(status), 5.0) is None


@pytest.mark.parametrize(("later", "written"), [(4.9, False), (5.0, True)])
def test_mere_progress_is_written_at_intervals(later: float, written: bool) -> None:
    body = status_to_write(running_after(10 + later), status_json(running_after(10)), 5.0)

    assert (body is not None) is written


def test_anything_but_progress_is_written_at_once() -> None:
    changed = structs.replace(running_after(11), message="something happened")

    assert status_to_write(changed, status_json(running_after(10)), 5.0) is not None


def test_the_first_progress_is_written_at_once() -> None:
    held = status_json(running_after(10))
    del held["progress"]

    assert status_to_write(running_after(10), held, 5.0) is not None


def on_its_way(*pods: ObservedPod) -> Status:
    status = decide(an_observation(*pods), POLICY).status
    assert status is not None
    return status


def test_how_far_a_fleet_is_on_its_way_to_the_load_is_written_at_intervals() -> None:
    before, after = on_its_way(a_pending_pod(0), a_pending_pod(1)), on_its_way(a_pending_pod(0), a_pod(1, None))
    assert before.message != after.message

    for seconds, written in ((0.1, False), (COURSE_SECONDS, True)):
        assert (status_to_write(after, status_json(before), 5.0, seconds) is not None) is written
    assert status_to_write(after, status_json(before), 5.0) is not None


def test_what_keeps_a_fleet_from_its_load_is_written_at_once() -> None:
    before, after = on_its_way(a_pending_pod(0)), on_its_way(a_pending_pod(0, "ImagePullBackOff: no such image"))
    assert before.phase is after.phase

    assert status_to_write(after, status_json(before), 5.0, 0.1) is not None


def test_a_phase_is_written_at_once() -> None:
    before, after = on_its_way(a_pending_pod(0)), on_its_way(a_pod(0, PodState.WAITING), a_pod(1, PodState.WAITING))
    assert before.phase is not after.phase

    assert status_to_write(after, status_json(before), 5.0, 0.1) is not None


def test_the_phase_is_always_written_and_null_never() -> None:
    status = decide(a_new_observation(), POLICY).status
    assert status is not None

    body = status_to_write(structs.replace(status, phase=Status().phase), {}, 5.0)

    assert body is not None
    assert body["phase"] == "Queued"
    assert b"null" not in msgspec.json.encode(body)


def test_the_essentials_keep_what_ends_a_wait_and_what_forbids_a_second_start() -> None:
    observation = an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    status = decide(observation, POLICY).status
    assert status is not None

    short = essential(status)

    assert short.conditions == status.conditions
    assert (short.phase, short.verdict, short.start) == (status.phase, status.verdict, status.start)
    assert (short.run_id, short.plan_hash) == (status.run_id, status.plan_hash)
    assert short.summary is None


def test_a_status_stays_within_its_budget_whatever_the_run() -> None:
    observation = an_observation(
        a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True, now=NOW + timedelta(seconds=60)
    )
    status = decide(observation, POLICY).status
    assert status is not None
    assert status.summary is not None
    assert status.plan is not None
    diagnosis = StatusDiagnosis(cause=Cause.CSRF, title="x" * 60, evidence="x" * 480, next_step="x" * 400, count=1)
    plan = structs.replace(status.plan, steps=tuple(status.plan.steps) * 8)
    large = structs.replace(status, summary=structs.replace(status.summary, diagnoses=(diagnosis,) * 12), plan=plan)
    assert len(msgspec.json.encode(large)) > STATUS_LIMIT_BYTES

    small = within_limit(large)

    assert len(msgspec.json.encode(small)) <= STATUS_LIMIT_BYTES
    assert small.summary is not None
    assert small.summary.requests == status.summary.requests
    assert small.summary.diagnoses == (diagnosis,)
    assert small.conditions == once(status).conditions


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (a_new_observation(), None),
        (a_new_observation(turn=Turn(Reason.TargetBusy, "place 1 in line", 1)), "TargetBusy"),
        (an_observation(a_pending_pod(0, "ErrImagePull: no such image"), a_pending_pod(1)), "ImageMissing"),
        (an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True), None),
        (an_observation(a_pod(0, PodState.RUNNING), a_killed_pod(1), begun=True), "PodLost"),
        (an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True), None),
        (an_observation(a_pod(0, PodState.DONE), a_killed_pod(1), begun=True), "PodLost"),
    ],
)
def test_one_word_says_why_a_test_stands_where_it_does(observation: Observation, reason: str | None) -> None:
    status = decide(observation, POLICY).status
    assert status is not None

    body = status_to_write(status, {}, 5.0)

    assert body is not None
    assert body.get("reason") == reason


@pytest.mark.parametrize("cause", list(Cause))
def test_a_refusal_keeps_its_whole_hint_in_the_budget(cause: Cause) -> None:
    first = f"10.159.1.5:8000 (full-batch, 200,000 rows): the connection was lost before a complete answer: {'x' * 40}"
    report = VerificationReport(
        level=ProofLevel.NONE,
        refusal=Refusal.RESET,
        cause=cause,
        message=f"{first}. These 200000 rows may be stored, the first with client_id 0K7RK3E3XV00A2AP0A71; remove them",
        hint=explanation_of(cause).next_step,
        canary_ids=("0K7RK3E3XV00A2AP0A70",),
        addresses=("10.159.1.5:8000", "10.159.1.6:8000"),
    )
    pods = [
        replace(a_pod(0), snapshot=a_snapshot(0, PodState.REFUSED, verification=report)),
        replace(a_pod(1), snapshot=a_snapshot(1, PodState.HALTED, halt_reason=HaltReason.OPERATOR, message="refused")),
    ]
    ended = decide_end(an_observation(*pods)).status
    assert ended is not None
    assert ended.phase is Phase.COMPLETED

    status = within_limit(ended)

    assert explanation_of(cause).next_step in status.message
    for kind in (ConditionType.VERIFIED, ConditionType.COMPLETED, ConditionType.SUCCEEDED):
        condition = status.condition(kind)
        assert condition is not None
        assert explanation_of(cause).next_step in resolve(condition.message, status.message)
