"""A test that asks for the proof alone ends with it, and nothing is loaded."""

from loadtest_model.judgement.verdict import Verdict, exit_status
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_model.spec import Spec
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import HaltFleet, Verify
from support.operator_builders import (
    POLICY,
    a_fleet_spec,
    a_halted_pod,
    a_killed_pod,
    a_pod,
    an_observation,
    decide_end,
    decide_on_record,
    next_observation,
)

ONLY = {"verification": {"only": True}}
VERIFIED = (a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED))
HALTED = (a_halted_pod(0, HaltReason.OPERATOR), a_halted_pod(1, HaltReason.OPERATOR))


def spec() -> Spec:
    return a_fleet_spec(**ONLY)


def status_of(decision: Decision) -> Status:
    assert decision.status is not None
    return decision.status


def ended() -> Status:
    """The end of a test whose pods were halted after the proof."""
    first = an_observation(*VERIFIED, spec=spec())
    halting = next_observation(first, decide(first, POLICY), pods=HALTED)
    return status_of(decide_end(halting))


def test_the_pods_are_verified_as_for_a_load() -> None:
    decision = decide(an_observation(a_pod(0, PodState.WAITING), a_pod(1, PodState.WAITING), spec=spec()), POLICY)

    assert [type(action) for action in decision.actions] == [Verify]


def test_verified_pods_are_halted_and_no_start_is_recorded() -> None:
    decision = decide_on_record(an_observation(*VERIFIED, spec=spec()))

    assert [type(action) for action in decision.actions] == [HaltFleet]
    assert (status_of(decision).phase, status_of(decision).start) == (Phase.STOPPING, None)


def test_a_proven_target_passes_with_a_reason_and_a_class_of_its_own() -> None:
    status = ended()

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.PASSED)
    assert (status.reason, status.reason_class) == ("OnlyVerified", ReasonClass.VERIFICATION)
    assert status.message.startswith("nothing was loaded, as spec.verification.only asks; every pod proved")
    assert "could go out unproven" not in status.message
    assert (status.thresholds, status.health, status.started_at) == ((), None, None)
    assert "Load: none was asked for (spec.verification.only)" in status.at_a_glance
    condition = status.condition(ConditionType.SUCCEEDED)
    assert condition is not None
    assert condition.is_true
    assert exit_status(Verdict.PASSED, ReasonClass.VERIFICATION) is ExitStatus.PASSED


def test_a_refused_target_fails_as_it_does_before_a_load() -> None:
    refused = (a_pod(0, PodState.REFUSED), a_halted_pod(1, HaltReason.OPERATOR))

    status = status_of(decide_end(an_observation(*refused, spec=spec())))

    assert (status.verdict, status.reason_class) == (Verdict.FAILED, ReasonClass.REFUSED)


def test_a_pod_that_was_lost_leaves_the_proof_unfinished() -> None:
    pods = (a_pod(0, PodState.HALTED), a_killed_pod(1, PodState.WAITING))

    status = status_of(decide_end(an_observation(*pods, spec=spec())))

    assert (status.verdict, status.reason_class) == (Verdict.INCONCLUSIVE, ReasonClass.PREVENTED)
