"""Whether a run is worse than earlier ones, and what cannot be told."""

from typing import Any

import pytest
from msgspec import structs

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.comparing import compare_with_baseline
from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, StepOnRecord
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from loadtest_model.thresholds.doubt import Interval

CERTAIN = Interval(1.0, 1.0)
STEADY = (0.100, 0.101, 0.099, 0.100, 0.102, 0.098, 0.100, 0.101, 0.099, 0.100)
UNSTEADY = (0.100, 0.140, 0.070, 0.110, 0.150, 0.080, 0.100, 0.130, 0.075, 0.120)


def times(values: tuple[float, ...], factor: float = 1.0) -> StepBlocks:
    return StepBlocks(figures={"p95": tuple(value * factor for value in values)})


def on_record(*runs: StepBlocks) -> Baseline:
    return Baseline(
        tuple(RunOnRecord(name="t", verdict="Passed", steps=(StepOnRecord(name="s", blocks=run),)) for run in runs)
    )


def compared(
    blocks: StepBlocks, baseline: Baseline, text: str = "p95 < baseline + 10%", doubt: Interval = CERTAIN
) -> ThresholdResult:
    return compare_with_baseline(parse_threshold(text), blocks, baseline, doubt, "", "s")


def test_the_whole_interval_beyond_the_tolerance_is_a_regression_and_the_note_says_by_how_much() -> None:
    result = compared(times(STEADY, 1.3), on_record(times(STEADY), times(STEADY)))

    assert result.passed is False
    assert result.note.startswith("+30.0% against 100 ms of 2 earlier runs (between +2")
    assert result.baseline is not None
    assert (result.baseline.runs, result.baseline.value) == (2, pytest.approx(0.1))
    assert result.baseline.bound == pytest.approx(0.11)
    assert result.low is not None
    assert result.low > result.baseline.bound


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.05])
def test_a_run_within_the_tolerance_or_faster_holds(factor: float) -> None:
    result = compared(times(STEADY, factor), on_record(times(STEADY)))

    assert result.passed is True
    assert "not shown" not in result.note


def test_a_regression_that_chance_may_explain_is_not_shown_and_the_threshold_holds() -> None:
    result = compared(times(UNSTEADY, 1.2), on_record(times(UNSTEADY)))

    assert result.passed is True
    assert not result.is_in_doubt
    assert result.note.endswith("not shown to be beyond the tolerance")


@pytest.mark.parametrize(("seconds", "is_advised"), [(1, True), (4, True), (5, False), (10, False)])
def test_where_a_short_load_leaves_a_regression_unshown_the_note_says_to_lengthen_it(
    seconds: int, is_advised: bool
) -> None:
    short = structs.replace(times(UNSTEADY, 1.2), seconds=seconds)
    unchanged = structs.replace(times(UNSTEADY), seconds=seconds)
    advice = "not shown to be beyond the tolerance; lengthen the load (to 50 s or more) for a narrower interval"

    assert compared(short, on_record(times(UNSTEADY))).note.endswith(advice) is is_advised
    assert "lengthen" not in compared(unchanged, on_record(times(UNSTEADY))).note


def test_without_an_earlier_run_the_threshold_decides_nothing_and_says_so() -> None:
    result = compared(times(STEADY), Baseline())

    assert (result.passed, result.is_in_doubt, result.lacks_comparison) == (None, False, True)
    assert result.value == pytest.approx(0.1)
    assert result.note == "no run to compare with yet"


@pytest.mark.parametrize(
    ("baseline", "note"),
    [
        (
            Baseline(exclusion="of run 4, batch size was 500 and is 1,000"),
            "no run to compare with: of run 4, batch size",
        ),
        (Baseline(problem="nobody may read them"), "nobody may read them"),
    ],
)
def test_why_there_is_no_run_to_compare_with_is_said(baseline: Baseline, note: str) -> None:
    assert compared(times(STEADY), baseline).note.startswith(note)


def test_too_few_blocks_are_no_sample() -> None:
    result = compared(times(STEADY[:4]), on_record(times(STEADY)))

    assert (result.value, result.passed) == (None, None)
    assert result.note == "4 blocks of 10 s to compare by, and 5 are needed"


def test_an_earlier_run_with_too_few_blocks_is_no_baseline() -> None:
    assert compared(times(STEADY), on_record(times(STEADY[:4]))).lacks_comparison


@pytest.mark.parametrize(
    ("factor", "doubt", "passed"),
    [
        (1.3, Interval(0.7, 1.0), None),
        (1.3, Interval(0.95, 1.0), False),
        (1.0, Interval(0.7, 1.0), True),
        (1.0, Interval(1.0, 1.5), None),
    ],
)
def test_what_the_generator_did_to_the_times_leaves_a_breach_in_doubt_only_if_it_explains_it(
    factor: float, doubt: Interval, passed: bool | None
) -> None:
    result = compared(times(STEADY, factor), on_record(times(STEADY)), doubt=doubt)

    assert (result.passed, result.is_in_doubt) == (passed, passed is None)


@pytest.mark.parametrize(("factor", "passed"), [(0.7, False), (0.95, True), (1.5, True)])
def test_a_rate_is_worse_if_it_is_lower(factor: float, passed: bool) -> None:
    def rates(by: float) -> StepBlocks:
        return StepBlocks(figures={"records_per_second": tuple(1_000 * by * value / 0.1 for value in STEADY)})

    result = compared(rates(factor), on_record(rates(1.0)), "records_per_second > baseline - 10%")

    assert result.passed is passed


@pytest.mark.parametrize(("share", "passed"), [(0.0, True), (0.005, True), (0.05, False)])
def test_an_error_rate_is_compared_by_points_also_with_runs_that_had_no_error(share: float, passed: bool) -> None:
    def rates(by: float) -> StepBlocks:
        return StepBlocks(figures={"error_rate": (by,) * 8})

    result = compared(rates(share), on_record(rates(0.0)), "error_rate < baseline + 1%", Interval(0.0, 0.0))

    assert result.passed is passed
    assert f"{share * 100:+.2f} points against 0.00%" in result.note


def test_runs_that_differ_from_each_other_hide_a_change_that_steady_ones_would_show() -> None:
    alike = on_record(*(times(STEADY) for _ in range(5)))
    apart = on_record(*(times(STEADY, factor) for factor in (0.95, 1.0, 1.05)))

    results: dict[str, Any] = {name: compared(times(STEADY, 1.2), runs) for name, runs in (("a", alike), ("b", apart))}

    assert (results["a"].passed, results["b"].passed) == (False, True)
