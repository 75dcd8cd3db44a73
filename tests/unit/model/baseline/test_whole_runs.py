"""Whole runs in virtual time: the engine measures them, and each is judged against those before it."""

import msgspec
import pytest
from msgspec import structs

from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, baseline_of
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Judgement, Verdict
from loadtest_model.pages.verdict import lead_sentence
from loadtest_model.reasons import Reason
from loadtest_model.report.summary import summarize, with_blocks
from support.known_slowdown import SteadyTarget, a_compared_plan, measured_run

THRESHOLDS = ("p95 < baseline + 10%", "requests_per_second > baseline - 10%", "error_rate < baseline + 1%")
PLAN = a_compared_plan(*THRESHOLDS, duration="60s")


def judged_run(
    baseline: Baseline | None, slowdown: float = 0.0, seed: int = 0, error_share: float = 0.0
) -> tuple[Judgement, RunOnRecord]:
    """A run against a target that is slower by a share, and what is on record of it."""
    aggregate = measured_run(PLAN, SteadyTarget(0.1 * (1 + slowdown), 0.3, seed, error_share))
    judgement = judge(Facts(plan=PLAN, aggregate=aggregate, baseline=baseline))
    started_at = f"2026-01-01T00:00:{seed:02}Z"
    summary = with_blocks(summarize(PLAN, aggregate, judgement, None, started_at), PLAN, aggregate)
    return judgement, msgspec.json.decode(msgspec.json.encode(summary), type=RunOnRecord)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return baseline_of(PLAN, [judged_run(Baseline(), seed=seed)[1] for seed in range(1, 5)])


def test_the_first_run_passes_because_there_is_nothing_to_compare_with() -> None:
    judgement, run = judged_run(Baseline())

    assert (judgement.verdict, judgement.reasons) == (Verdict.PASSED, ())
    assert all(result.lacks_comparison for result in judgement.thresholds)
    assert baseline_of(PLAN, [run]).runs == (run,)


def test_a_target_that_has_not_changed_passes(baseline: Baseline) -> None:
    judgement, _ = judged_run(baseline, seed=10)

    assert (judgement.verdict, [result.passed for result in judgement.thresholds]) == (Verdict.PASSED, [True] * 3)


def test_a_target_that_is_slower_by_30_per_cent_fails_by_response_time_and_by_throughput(baseline: Baseline) -> None:
    judgement, _ = judged_run(baseline, slowdown=0.3, seed=10)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.ThresholdBreached)
    assert [step.verdict for step in judgement.steps] == [Verdict.FAILED]
    assert [result.passed for result in judgement.thresholds] == [False, False, True]
    assert "p95 < baseline + 10% is breached: measured" in judgement.reasons[0]
    assert "of 4 earlier runs" in judgement.reasons[0]


def test_a_target_that_fails_more_often_fails(baseline: Baseline) -> None:
    judgement, _ = judged_run(baseline, seed=10, error_share=0.04)

    assert [result.passed for result in judgement.thresholds][-1] is False


def test_earlier_runs_that_nobody_may_read_leave_the_run_inconclusive() -> None:
    judgement, _ = judged_run(Baseline(problem="the operator may not list ConfigMaps"))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.ResultsMissing)
    assert "p95 < baseline + 10%" in judgement.reasons[0]
    assert judgement.reasons[0].endswith("cannot be judged: the operator may not list ConfigMaps")


def test_a_run_whose_seconds_nobody_read_is_not_compared_and_says_what_is_missing(baseline: Baseline) -> None:
    aggregate = measured_run(PLAN, SteadyTarget(0.1, 0.3, 10))
    step = structs.replace(aggregate.steps[0], seconds=())

    judgement = judge(Facts(plan=PLAN, aggregate=structs.replace(aggregate, steps=(step,)), baseline=baseline))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.ResultsMissing)
    assert all(text in judgement.reasons[0] for text in (*THRESHOLDS, "no operator read them"))


def test_a_report_of_a_first_run_does_not_say_that_every_threshold_held() -> None:
    aggregate = measured_run(PLAN, SteadyTarget(0.1, 0.3, 0))
    summary = summarize(PLAN, aggregate, judge(Facts(plan=PLAN, aggregate=aggregate, baseline=Baseline())), None, None)

    assert lead_sentence(summary) == (
        f"No threshold was breached, and {', '.join(THRESHOLDS)} were not compared: no run to compare with yet."
    )


def test_a_run_that_goes_on_is_not_compared_yet() -> None:
    judgement, _ = judged_run(None)

    assert {result.note for result in judgement.thresholds} == {"it is compared with earlier runs when it is over"}
    assert not any(result.is_in_doubt for result in judgement.thresholds)
