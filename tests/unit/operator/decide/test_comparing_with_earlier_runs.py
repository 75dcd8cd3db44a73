"""The verdict of a run that is compared with earlier ones, from the look that has them."""

import msgspec
import pytest

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, StepOnRecord
from loadtest_model.baseline.traits import traits_of
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import Status
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import WriteResults
from loadtest_operator.facts.observation import Observation
from support.builders import counts
from support.operator_builders import (
    POLICY,
    a_fleet_plan,
    a_fleet_spec,
    a_job,
    a_pod,
    an_observation,
    next_observation,
    status_json,
)

EXPRESSION = "requests_per_second > baseline - 10%"
SPEC = a_fleet_spec(thresholds=["error_rate < 1%", EXPRESSION])
PLAN = a_fleet_plan(SPEC)
UPLOADS_A_SECOND = 100 / 60


def a_second(number: int, accepted: int) -> Second:
    return Second(second=number, counts=counts(accepted=accepted), virtual_users=2, ended=accepted, answers=accepted)


def a_look(baseline: Baseline) -> Observation:
    """A minute of 100 uploads has just ended in both pods."""
    seconds = tuple(a_second(number, 2 - number % 3 // 2) for number in range(60))
    pods = (a_pod(0, PodState.DONE), a_pod(1, PodState.DONE))
    return an_observation(*pods, begun=True, spec=SPEC, job=a_job(plan=PLAN), series=(seconds,), baseline=baseline)


def earlier_run(uploads_a_second: float) -> Baseline:
    blocks = StepBlocks(seconds=6, figures={"requests_per_second": (uploads_a_second,) * 10})
    run = RunOnRecord(name="heavy", verdict="Passed", steps=(StepOnRecord(name="custom", blocks=blocks),))
    return Baseline((run,))


def judged(baseline: Baseline) -> Status:
    status = decide(a_look(baseline), POLICY).status
    assert status is not None
    return status


@pytest.mark.parametrize(
    ("uploads_a_second", "verdict"), [(UPLOADS_A_SECOND, Verdict.PASSED), (2 * UPLOADS_A_SECOND, Verdict.FAILED)]
)
def test_the_verdict_is_that_of_the_comparison(uploads_a_second: float, verdict: Verdict) -> None:
    status = judged(earlier_run(uploads_a_second))

    (_, result) = status.thresholds
    assert status.verdict is verdict
    assert result.baseline is not None
    assert (result.baseline.runs, result.baseline.value) == (1, pytest.approx(uploads_a_second, rel=1e-5))
    assert ("of 1 earlier run" in status.message) == (verdict is Verdict.FAILED)


def test_a_first_run_passes_with_a_message_that_names_what_was_not_compared() -> None:
    status = judged(Baseline())

    assert status.verdict is Verdict.PASSED
    assert status.message.startswith("no threshold was breached and every upload was confirmed as a load test")
    assert status.message.endswith(f"; {EXPRESSION} was not compared: no run to compare with yet")


def test_that_nothing_was_compared_is_in_the_status_as_the_api_server_gives_it_back() -> None:
    written = status_json(judged(Baseline()))

    (_, result) = written["thresholds"]
    assert result["baseline"]["runs"] == 0


def test_the_results_have_what_the_next_run_is_compared_with() -> None:
    look = a_look(Baseline())

    (action,) = decide(next_observation(look, decide(look, POLICY)), POLICY).actions

    assert isinstance(action, WriteResults)
    run = msgspec.json.decode(action.manifest["data"]["summary.json"], type=RunOnRecord)
    blocks = run.blocks("custom")
    assert (run.verdict, run.traits) == ("Passed", traits_of(PLAN))
    assert blocks is not None
    assert blocks.seconds == 6
    assert blocks.figures["requests_per_second"] == pytest.approx((UPLOADS_A_SECOND,) * 10, rel=1e-5)
