"""Deciding between the end of every load and the verdict, where a read-back was asked for."""

from dataclasses import replace

import pytest
from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.proof import PROVING_MOMENTS, ReadBackReport, Reading, ReadingMoment
from loadtest_model.measurement.snapshot import HaltReason, PodState, ProofLevel, VerificationReport
from loadtest_model.plan import compile_plan
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import Action, Conclude, Drain, HaltFleet, WriteResults
from loadtest_operator.facts.observation import Observation, ObservedPod
from loadtest_operator.manifests import active_deadline_seconds
from support.builders import IDENTITY
from support.operator_builders import (
    PLAN,
    POLICY,
    PROOF,
    VIOLATION,
    a_fleet_spec,
    a_halted_pod,
    a_job,
    a_killed_pod,
    a_pod,
    a_silent_pod,
    a_snapshot,
    an_observation,
    decide_end,
    decide_on_record,
    next_observation,
)

READ_BACK = {"url": "http://clients.shop.svc:8000/clients/count/", "countPath": "count", "settle": "5s"}
SPEC = a_fleet_spec(verification={"require": "Proven", "readBack": READ_BACK})
PROVEN_PLAN = compile_plan(SPEC, IDENTITY, addresses=("10.0.0.5:8000",))


def counted(*rows: int) -> ReadBackReport:
    readings = tuple(Reading(moment=moment, rows=count) for moment, count in zip(PROVING_MOMENTS, rows, strict=False))
    return ReadBackReport(settle_seconds=5, readings=readings)


SO_FAR = structs.replace(PROOF, read_back=counted(3, 3))


def the_reader(state: PodState, proof: VerificationReport = SO_FAR, **fields: object) -> ObservedPod:
    """Pod 0, which reads back for all."""
    return replace(a_pod(0, state), snapshot=a_snapshot(0, state, verification=proof), **fields)  # type: ignore[arg-type]


def look(*pods: ObservedPod, stop: bool = False) -> Observation:
    return an_observation(*pods, begun=True, spec=structs.replace(SPEC, stop=stop), job=a_job(plan=PROVEN_PLAN))


def ordered(*pods: ObservedPod, stop: bool = False) -> tuple[Action, ...]:
    return decide(look(*pods, stop=stop), POLICY).actions


def ended(proof: VerificationReport) -> Status:
    status = decide(look(the_reader(PodState.DONE, proof), a_pod(1, PodState.DONE)), POLICY).status
    assert status is not None
    return status


def mark(status: Status, kind: ConditionType) -> tuple[str, str, str]:
    condition = status.condition(kind)
    assert condition is not None
    return condition.status, condition.reason, condition.message


def test_the_read_back_waits_until_every_load_is_over() -> None:
    assert ordered(the_reader(PodState.LOADED), a_pod(1, PodState.RUNNING)) == ()


def test_once_every_load_is_over_the_first_pod_is_told_to_read_back() -> None:
    reader = the_reader(PodState.LOADED)
    decision = decide(look(reader, a_pod(1, PodState.DONE)), POLICY)

    assert decision.actions == (Conclude((reader,)),)
    assert decision.status is not None
    assert decision.status.phase is Phase.RUNNING
    assert "read back" in decision.status.message
    assert decision.status.pods is not None
    assert (decision.status.pods.running, decision.status.pods.succeeded) == (1, 1)


def test_a_pod_that_reads_back_already_is_waited_for() -> None:
    decision = decide(look(the_reader(PodState.CONCLUDING), a_pod(1, PodState.DONE)), POLICY)

    assert decision.actions == ()
    assert decision.requeue_seconds is not None


def test_a_reader_that_does_not_answer_for_a_moment_is_waited_for() -> None:
    assert ordered(the_reader(PodState.LOADED, is_reachable=False), a_pod(1, PodState.DONE)) == ()


def test_a_restarted_operator_finds_the_fleet_loaded_and_goes_on() -> None:
    observation = look(the_reader(PodState.LOADED), a_pod(1, PodState.DONE))
    again = next_observation(observation, decide(observation, POLICY))

    assert [type(action) for action in decide(again, POLICY).actions] == [Conclude]


@pytest.mark.parametrize("state", [PodState.LOADED, PodState.CONCLUDING])
def test_a_reader_that_is_lost_leaves_the_run_inconclusive(state: PodState) -> None:
    for lost in (
        replace(a_killed_pod(0, state), snapshot=the_reader(state).snapshot),
        replace(a_silent_pod(0, POLICY.lost_seconds, state), snapshot=the_reader(state).snapshot),
    ):
        status = decide(look(lost, a_pod(1, PodState.DONE)), POLICY).status

        assert status is not None
        assert status.verdict is Verdict.INCONCLUSIVE
        assert mark(status, ConditionType.SUCCEEDED)[1] == "PodLost"


def test_a_pod_that_is_lost_while_the_reader_waits_halts_the_reader() -> None:
    (action,) = decide_on_record(look(the_reader(PodState.LOADED), a_killed_pod(1))).actions

    assert isinstance(action, HaltFleet)
    assert [pod.index for pod in action.pods] == [0]


def test_a_stop_drains_those_that_load_and_leaves_the_reader_alone() -> None:
    (action,) = decide_on_record(look(the_reader(PodState.LOADED), a_pod(1, PodState.RUNNING), stop=True)).actions

    assert isinstance(action, Drain)
    assert [pod.index for pod in action.pods] == [1]


def test_a_stopped_run_is_read_back_before_it_ends_inconclusive() -> None:
    observation = look(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), stop=True)
    stopping = decide(observation, POLICY)
    drained = next_observation(observation, stopping, pods=(the_reader(PodState.LOADED), a_pod(1, PodState.DONE)))
    reading = decide(drained, POLICY)
    proven = structs.replace(PROOF, read_back=counted(3, 3, 3, 3))
    done = next_observation(drained, reading, pods=(the_reader(PodState.DONE, proven), a_pod(1, PodState.DONE)))

    status = decide(done, POLICY).status

    assert [type(action) for action in reading.actions] == [Conclude]
    assert reading.status is not None
    assert reading.status.phase is Phase.STOPPING
    assert status is not None
    assert status.verdict is Verdict.INCONCLUSIVE
    assert mark(status, ConditionType.SUCCEEDED)[1] == "Stopped"


def test_a_stop_while_the_target_is_read_back_comes_too_late_to_change_anything() -> None:
    decision = decide(look(the_reader(PodState.CONCLUDING), a_pod(1, PodState.DONE), stop=True), POLICY)

    assert decision.actions == ()
    assert decision.status is not None
    assert decision.status.phase is Phase.RUNNING


def test_a_run_that_was_read_back_to_its_end_passes_with_the_level_proven() -> None:
    decision = decide_end(
        look(the_reader(PodState.DONE, structs.replace(PROOF, read_back=counted(3, 3, 3, 3))), a_pod(1, PodState.DONE))
    )

    status = decision.status
    assert status is not None
    assert [type(action) for action in decision.actions] == [WriteResults]
    assert status.verdict is Verdict.PASSED
    assert status.verification is not None
    assert status.verification.level is ProofLevel.PROVEN
    assert mark(status, ConditionType.VERIFIED)[:2] == ("True", "Proven")
    assert "a read-back found no stored row: 3 rows before the first upload" in status.message
    assert status.verification is not None
    assert status.verification.level is ProofLevel.PROVEN


def test_rows_found_stored_fail_the_run() -> None:
    status = ended(structs.replace(PROOF, read_back=counted(3, 3, 1_003, 1_003)))

    assert status.verdict is Verdict.FAILED
    assert mark(status, ConditionType.SUCCEEDED)[1] == "RecordsStored"
    assert "rose by 1,000" in status.message
    assert status.verification is not None
    assert status.verification.level is ProofLevel.ACKNOWLEDGED


def test_a_read_back_that_fails_at_the_end_leaves_the_run_inconclusive() -> None:
    failed = ReadBackReport(
        settle_seconds=5,
        readings=(*counted(3, 3).readings, Reading(moment=ReadingMoment.ENDED, problem="answered 500")),
    )

    status = ended(structs.replace(PROOF, read_back=failed))

    assert status.verdict is Verdict.INCONCLUSIVE
    assert mark(status, ConditionType.SUCCEEDED)[1] == "ReadBackFailed"


def test_before_its_end_a_read_back_is_told_as_far_as_it_got() -> None:
    verified = tuple(
        replace(a_pod(index, PodState.VERIFIED), snapshot=a_snapshot(index, PodState.VERIFIED, verification=proof))
        for index, proof in enumerate((SO_FAR, PROOF))
    )

    status = decide(an_observation(*verified, spec=SPEC, job=a_job(plan=PROVEN_PLAN)), POLICY).status

    assert status is not None
    _, reason, message = mark(status, ConditionType.VERIFIED)
    assert reason == "Acknowledged"
    assert "the read-back agrees so far: 3 rows before the first upload, 3 rows after the verification" in message


def test_a_canary_that_was_under_way_when_a_test_was_stopped_is_named() -> None:
    cut = VerificationReport(
        level=ProofLevel.NONE,
        message="the verification was cut off; the canary with client_id C1 may be stored",
        canary_ids=("C1",),
    )
    halted = a_halted_pod(0, HaltReason.OPERATOR, verification=cut)

    status = decide(an_observation(halted, a_pod(1, PodState.WAITING), spec=a_fleet_spec(stop=True)), POLICY).status
    over = decide(
        an_observation(halted, a_halted_pod(1, HaltReason.OPERATOR, verification=None), spec=a_fleet_spec(stop=True)),
        POLICY,
    ).status

    assert status is not None
    assert status.verdict is None
    assert over is not None
    assert over.verdict is Verdict.INCONCLUSIVE
    assert "the canary with client_id C1 may be stored" in over.message
    assert over.verification is not None
    assert over.verification.canary_ids == ("C1",)


def test_of_many_canaries_those_likeliest_to_be_stored_are_kept() -> None:
    many = structs.replace(PROOF, canary_ids=tuple(f"A{number}" for number in range(40)))
    suspect = structs.replace(PROOF, canary_ids=("B0", VIOLATION.first_client_id))
    guilty = a_halted_pod(1, HaltReason.VIOLATION, violation=VIOLATION, verification=suspect)

    status = decide(an_observation(a_halted_pod(0, HaltReason.PEER, verification=many), guilty), POLICY).status

    assert status is not None
    assert status.verification is not None
    assert status.verification.canary_ids[:4] == (VIOLATION.first_client_id, "A0", "B0", "A1")


def test_addresses_that_came_and_went_stand_apart_in_the_status() -> None:
    changed = structs.replace(PROOF, unverified=("10.0.0.7:8000",), vanished=("10.0.0.8:8000",))

    status = ended(changed)

    assert status.verification is not None
    assert status.verification.addresses == PROOF.addresses
    assert status.verification.unverified == ("10.0.0.7:8000",)
    assert status.verification.vanished == ("10.0.0.8:8000",)


def test_the_job_may_take_as_long_as_the_read_back_does() -> None:
    assert PROVEN_PLAN.ending_seconds == 65
    assert active_deadline_seconds(PROVEN_PLAN, 300) == active_deadline_seconds(PLAN, 300) + 65
