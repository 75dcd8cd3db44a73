"""Runs as reports show them: ordinary ones and odd ones, each judged and summarized as a real one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.counts import merged_counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import merged_sketch
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, VerificationReport
from loadtest_model.measurement.spread import AddressCounts, merged_spread
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason
from loadtest_model.report.details import PodSummary
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.report.time_series import SeriesRow, series_rows
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.thresholds.comparison import Comparison
from support.builders import a_plan, with_cut_uploads
from support.climbs import a_climb, a_climbed_step, a_plateau
from support.loaded_steps import a_loaded_step

STARTED_AT: Final = "2026-03-01T12:00:00Z"
PROOF: Final = VerificationReport(
    level=ProofLevel.ECHOED, message="echoed", addresses=("10.0.0.5:8000",), uploads=7, rows=5_012
)
MANIFEST: Final = """\
apiVersion: x-load-test.dev/v1alpha1
kind: LoadTest
metadata: {name: heavy}
spec:
  target: {url: "http://clients.shop.svc:8000/clients/upload/process/"}
  scenario: light
  parallelism: 2
"""


@dataclass(frozen=True)
class ReportCase:
    """What a report is made from."""

    summary: Summary
    rows: tuple[SeriesRow, ...]


def staged_plan(users: Sequence[int], seconds: int) -> Plan:
    """A plan that stays at each number of users for so long."""
    stages = [
        stage
        for number in users
        for stage in (
            {"duration": "0s", "virtualUsers": number},
            {"duration": f"{seconds}s", "virtualUsers": number},
        )
    ]
    return a_plan(scenario="custom", load={"batchSize": 1_000, "stages": stages}, parallelism=1)


def a_case_of(plan: Plan, **fields: Any) -> ReportCase:
    """A run of a plan with one step, whose measurements follow from the plan."""
    return a_case(a_loaded_step(plan.steps[0], **fields), plan=plan)


def a_case(
    *steps: StepAggregate,
    plan: Plan,
    proof: VerificationReport | None = PROOF,
    facts: dict[str, Any] | None = None,
    started_at: str | None = STARTED_AT,
) -> ReportCase:
    """A run judged and summarized, with the details that a reader looks into after the verdict."""
    aggregate = Aggregate(steps=steps, pods=1, elapsed_seconds=sum(step.load_seconds for step in steps))
    judgement = judge(Facts(plan=plan, aggregate=aggregate, **(facts or {})))
    summary = summarize(plan, aggregate, judgement, proof, started_at)
    return ReportCase(_with_details(summary), series_rows(plan, aggregate, started_at))


THREE_PLATEAUS: Final = staged_plan((1, 2, 4), 40)


def passed() -> ReportCase:
    return a_case_of(THREE_PLATEAUS)


def failed() -> ReportCase:
    """A run with too many errors, and with what explains them."""
    return a_case_of(THREE_PLATEAUS, failing=0.03)


def refused() -> ReportCase:
    """A target that ignored the header, so that nothing was loaded."""
    refusal = VerificationReport(
        level=ProofLevel.NONE,
        refusal=Refusal.MARKER_MISSING,
        cause=Cause.MARKER_MISSING,
        message='10.0.0.5:8000 answered 200 without load_test_mode: {"success": true, "processed_count": 1};'
        " the row with client_id CANARY1 may be stored",
        hint="Honour X-Load-Test before anything is written.",
        canary_ids=("CANARY1",),
        uploads=2,
        rows=1,
    )
    facts = {"refusal": refusal, "load_began": False}
    case = a_case(plan=THREE_PLATEAUS, proof=refusal, facts=facts, started_at=None)
    return ReportCase(structs.replace(case.summary, duration_seconds=0.0), ())


def violated() -> ReportCase:
    """A target that lost the marker under load."""
    plan = staged_plan((2,), 20)
    step = a_loaded_step(plan.steps[0])
    total = structs.replace(step.total, accepted=step.total.accepted - 1, violation=1)
    *before, last = step.seconds
    last_counts = structs.replace(last.counts, accepted=last.counts.accepted - 1, violation=1)
    last = structs.replace(last, counts=last_counts, failed=1, errors={ErrorKind.MARKER_MISSING: 1})
    step = structs.replace(
        step,
        total=total,
        judged=total,
        errors={ErrorKind.MARKER_MISSING: 1},
        finished_pods=0,
        seconds=(*before, last),
    )
    gap = Gap(
        Reason.LoadTestHeaderIgnored,
        "10.0.0.5:8000 answered 200 without load_test_mode under load: 1,000 rows may be stored, the first of them with"
        " client_id C-7F3A; remove them, and honour X-Load-Test in every worker",
    )
    return a_case(step, plan=plan, facts={"recorded_failures": (gap,)})


COMPARED_RESULTS: Final = (
    ThresholdResult(
        expression="p95 < baseline + 10%",
        value=0.423,
        passed=False,
        low=0.403,
        high=0.46,
        note="+28.5% against 329 ms of 5 earlier runs (between +22.4% and +39.6%)",
        baseline=Comparison(runs=5, value=0.329, low=0.320, high=0.339, bound=0.362),
    ),
    ThresholdResult(
        expression="records_per_second > baseline - 10%",
        value=990.0,
        passed=True,
        low=940.0,
        high=1_020.0,
        note="-1.0% against 1,000 of 5 earlier runs (between -6.0% and +2.0%)",
        baseline=Comparison(runs=5, value=1_000.0, low=995.0, high=1_004.0, bound=900.0),
    ),
    ThresholdResult(
        expression="p50 < baseline + 10%",
        value=0.2,
        passed=None,
        note="no run to compare with yet",
        baseline=Comparison(),
    ),
)
"""Bounds on the baseline: a regression, none, and nothing to compare with."""


def inconclusive() -> ReportCase:
    """Thresholds in doubt, with every form of an interval."""
    step = a_loaded_step(THREE_PLATEAUS.steps[0], level=6.0)
    case = a_case(with_cut_uploads(step, 40, 9.0), plan=THREE_PLATEAUS)
    results = (
        *case.summary.thresholds,
        ThresholdResult(expression="success_rate > 99%", value=0.996, passed=True, low=0.996, high=0.996),
        ThresholdResult(
            expression="records_per_second >= 50000", value=31_244.0, passed=False, low=31_244.0, high=None
        ),
        ThresholdResult(expression="max < 60s", value=None, passed=None, note="no sample to judge by"),
        ThresholdResult(expression="dropped <= 0", value=3.0, passed=None, low=0.0, high=3.0),
        *COMPARED_RESULTS,
    )
    return with_summary(case, thresholds=results)


def all_steps() -> ReportCase:
    """The four presets as steps of one test."""
    plan = a_plan(scenario="all")
    starts = accumulate((step.duration_seconds for step in plan.steps), initial=0.0)
    steps = [
        a_loaded_step(step, level=level, failing=failing, start_seconds=start)
        for step, start, level, failing in zip(
            plan.steps, starts, (0.2, 0.5, 3.0, 24.0), (0.0, 0.0, 0.004, 0.08), strict=False
        )
    ]
    return a_case(*steps, plan=plan)


def one_second() -> ReportCase:
    return a_case_of(a_plan(scenario="custom", load={"batchSize": 1_000, "duration": "1s"}))


def a_day() -> ReportCase:
    """Twenty-four hours, each like the first."""
    plan = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 40, "duration": "24h"})
    hour = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 40, "duration": "1h"})
    return a_case(_repeated(a_loaded_step(hour.steps[0], level=2.0, failing=0.001), 24), plan=plan)


def _repeated(step: StepAggregate, times: int) -> StepAggregate:
    """A step of one segment that went on as it began, so many times as long."""
    total = merged_counts([step.total] * times)
    response = merged_sketch([step.response] * times)
    return structs.replace(
        step,
        total=total,
        judged=total,
        errors={kind: count * times for kind, count in step.errors.items()},
        response=response,
        service=response,
        seconds=tuple(structs.replace(second, second=at) for at, second in enumerate(step.seconds * times)),
        segment_counts=(total,),
        segment_response=(response,),
        load_seconds=step.load_seconds * times,
        addresses=merged_spread([step.addresses] * times),
    )


def thousand_pods() -> ReportCase:
    """A fleet of which the pods that stand out are listed, and more addresses than have names."""
    case = a_case_of(staged_plan((1_000, 4_000), 60))
    pods = (*(_pod(number, number * 61 % 1_000) for number in range(15)), structs.replace(_pod(15, 999), pods=985))
    one_failed = AddressCounts(sent=100, accepted=99, failed=1, cut=1)
    spread = {f"10.0.{number // 250}.{number % 250}:8000": one_failed for number in range(100)}
    spread["others"] = AddressCounts(sent=12_345, accepted=12_345)
    steps = tuple(structs.replace(step, addresses=spread) for step in case.summary.steps)
    return with_summary(case, pods=pods, steps=steps)


def bare() -> ReportCase:
    """A summary from before reports had details, and no time series."""
    case = passed()
    steps = tuple(structs.replace(step, distribution=(), plateaus=()) for step in case.summary.steps)
    bare_case = with_summary(case, steps=steps, distribution=(), pods=(), slowest=(), manifest="")
    return ReportCase(bare_case.summary, ())


def climbed() -> ReportCase:
    """A climb that the target ended at its third plateau."""
    step = a_climbed_step(a_plateau(100, 0.5), a_plateau(200, 0.8), a_plateau(200, 3.0), finished_pods=1)
    return a_case(step, plan=a_climb(required=2), facts={"climb_ended": True})


CASES: Final[dict[str, Callable[[], ReportCase]]] = {
    case.__name__: case
    for case in (
        *(passed, failed, refused, violated, inconclusive, all_steps, one_second, a_day, thousand_pods),
        *(bare, climbed),
    )
}


def with_summary(case: ReportCase, **fields: Any) -> ReportCase:
    """The case with other fields of its summary."""
    return ReportCase(structs.replace(case.summary, **fields), case.rows)


def _with_details(summary: Summary) -> Summary:
    """The summary with what comes from elsewhere than the aggregate."""
    pods = tuple(_pod(index, index) for index in range(2)) if summary.requests.due else ()
    return structs.replace(summary, manifest=MANIFEST, pods=pods)


def _pod(number: int, index: int) -> PodSummary:
    return PodSummary(
        index=index,
        sent=700 + number,
        accepted=699 + number,
        errors=1,
        records_per_second=5_800.0 + number,
        avg=0.18,
        p95=0.25 + 0.01 * number,
        max=0.6,
        memory_bytes=71_000_000,
        cpu_seconds=3.4,
        max_loop_lag_seconds=0.004,
    )
