"""Runs as reports show them: ordinary ones and odd ones, each judged and summarized as a real one."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.counts import Counts, Second, merged_counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, VerificationReport
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason
from loadtest_model.report.details import DistributionPoint, PlateauSummary, PodSummary, SlowUpload
from loadtest_model.report.figures import requests_of, times_of
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.report.time_series import SeriesRow, series_rows
from loadtest_model.thresholds.bounds import ThresholdResult
from support.builders import a_plan, with_cut_uploads
from support.climbs import a_climb, a_climbed_step, a_plateau

STARTED_AT: Final = "2026-03-01T12:00:00Z"
PROOF: Final = VerificationReport(
    level=ProofLevel.ECHOED, message="echoed", addresses=("10.0.0.5:8000",), uploads=7, rows=5_012
)
QUANTILES: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
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


def a_loaded_step(seconds: int, *, level: float = 0.3, failing: float = 0.0, users: int = 4) -> StepAggregate:
    """A step of so many seconds whose response times rise to `level` seconds; a share of its uploads fails."""
    chance = Random(7)
    times: list[int] = []
    entries = []
    for number in range(seconds):
        progress = number / max(1, seconds - 1)
        uploads = 10 + chance.randrange(4)
        failed = sum(chance.random() < failing for _ in range(uploads))
        accepted = uploads - failed
        own_times = [
            int(1e9 * level * (0.4 + 0.6 * progress) * math.exp(chance.gauss(0, 0.25))) for _ in range(accepted)
        ]
        times += own_times
        counts = Counts(
            due=uploads,
            sent=uploads,
            accepted=accepted,
            rejected=failed,
            records_sent=1_000 * uploads,
            records_confirmed=1_000 * accepted,
            bytes_sent=200_000 * uploads,
        )
        entries.append(
            Second(
                second=number,
                counts=counts,
                virtual_users=max(1, math.ceil(users * (number + 1) / seconds)),
                ended=uploads,
                answers=accepted,
                records_answered=1_000 * accepted,
                response_nanoseconds_sum=sum(own_times),
            )
        )
    total = merged_counts([entry.counts for entry in entries])
    sketch = sketch_of(times)
    return StepAggregate(
        total=total,
        judged=total,
        errors={ErrorKind.SERVER_ERROR: total.rejected} if total.rejected else {},
        response=sketch,
        service=sketch,
        seconds=tuple(entries),
        finished_pods=1,
        load_seconds=float(seconds),
        addresses={f"10.0.0.{part}:8000": AddressCounts(sent=total.sent, accepted=total.accepted) for part in (5, 6)},
    )


def a_case(
    *steps: StepAggregate,
    plan: Plan | None = None,
    proof: VerificationReport | None = PROOF,
    facts: dict[str, Any] | None = None,
    started_at: str | None = STARTED_AT,
) -> ReportCase:
    """A run judged and summarized, with the details that a reader looks into after the verdict."""
    chosen_plan = plan or a_plan()
    aggregate = Aggregate(steps=steps, pods=1, elapsed_seconds=sum(step.load_seconds for step in steps))
    judgement = judge(Facts(plan=chosen_plan, aggregate=aggregate, **(facts or {})))
    summary = summarize(chosen_plan, aggregate, judgement, proof, started_at)
    rows = _with_percentiles(series_rows(chosen_plan, aggregate, started_at))
    return ReportCase(_with_details(summary, steps), rows)


def passed() -> ReportCase:
    return a_case(a_loaded_step(120))


def warned_with_errors() -> ReportCase:
    """A run with some errors, and with what explains them."""
    return a_case(a_loaded_step(120, failing=0.03))


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
    case = a_case(plan=a_plan(), proof=refusal, facts={"refusal": refusal, "load_began": False}, started_at=None)
    return ReportCase(structs.replace(case.summary, duration_seconds=0.0), ())


def violated() -> ReportCase:
    """A target that lost the marker under load."""
    step = a_loaded_step(20)
    total = structs.replace(step.total, accepted=step.total.accepted - 1, violation=1)
    step = structs.replace(
        step, total=total, judged=total, errors={ErrorKind.MARKER_MISSING: 1}, finished_pods=0, causes={}
    )
    gap = Gap(
        Reason.LoadTestHeaderIgnored,
        "10.0.0.5:8000 answered 200 without load_test_mode under load: 1,000 rows may be stored, the first of them with"
        " client_id C-7F3A; remove them, and honour X-Load-Test in every worker",
    )
    return a_case(step, facts={"recorded_failures": (gap,)})


def inconclusive() -> ReportCase:
    """Thresholds in doubt, with every form of an interval."""
    case = a_case(with_cut_uploads(a_loaded_step(120, level=6.0), 40, 9.0))
    results = (
        *case.summary.thresholds,
        ThresholdResult(expression="success_rate > 99%", value=0.996, passed=True, low=0.996, high=0.996),
        ThresholdResult(
            expression="records_per_second >= 50000", value=31_244.0, passed=False, low=31_244.0, high=None
        ),
        ThresholdResult(expression="max < 60s", value=None, passed=None, note="no sample to judge by"),
        ThresholdResult(expression="dropped <= 0", value=3.0, passed=None, low=0.0, high=3.0),
    )
    return with_summary(case, thresholds=results)


def all_steps() -> ReportCase:
    """The four presets as steps of one test."""
    plan = a_plan(scenario="all")
    lengths = [int(step.duration_seconds) for step in plan.steps]
    steps = [
        a_loaded_step(length, level=level, failing=failing, users=users)
        for length, level, failing, users in zip(
            lengths, (0.2, 0.5, 3.0, 24.0), (0.0, 0.0, 0.004, 0.08), (1, 10, 50, 200), strict=True
        )
    ]
    return a_case(*steps, plan=plan)


def one_second() -> ReportCase:
    return a_case(a_loaded_step(1), plan=a_plan(scenario="custom", load={"batchSize": 1_000, "duration": "1s"}))


def a_day() -> ReportCase:
    plan = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 40, "duration": "24h"})
    return a_case(a_loaded_step(86_400, level=2.0, failing=0.001, users=40), plan=plan)


def thousand_pods() -> ReportCase:
    """A fleet of which the pods that stand out are listed, and more addresses than have names."""
    case = a_case(a_loaded_step(120, users=4_000))
    pods = (*(_pod(number, number * 61 % 1_000) for number in range(15)), structs.replace(_pod(15, 999), pods=985))
    spread = {
        f"10.0.{n // 250}.{n % 250}:8000": AddressCounts(sent=100 + n, accepted=99 + n, failed=1, cut=1)
        for n in range(100)
    }
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
        *(passed, warned_with_errors, refused, violated, inconclusive, all_steps, one_second, a_day, thousand_pods),
        *(bare, climbed),
    )
}


def with_summary(case: ReportCase, **fields: Any) -> ReportCase:
    """The case with other fields of its summary."""
    return ReportCase(structs.replace(case.summary, **fields), case.rows)


def _with_percentiles(rows: tuple[SeriesRow, ...]) -> tuple[SeriesRow, ...]:
    """The rows with what the pods measure of each second."""
    return tuple(
        structs.replace(
            row,
            p95_response_seconds=None if row.avg_response_seconds is None else row.avg_response_seconds * 1.4,
            errors=f"server_error={row.rejected}" if row.rejected else "",
        )
        for row in rows
    )


def _with_details(summary: Summary, aggregates: tuple[StepAggregate, ...]) -> Summary:
    if not summary.requests.due:
        return structs.replace(summary, manifest=MANIFEST)
    steps = tuple(
        structs.replace(step, distribution=_distribution(aggregate.response), plateaus=_plateaus(aggregate))
        for step, aggregate in zip(summary.steps, aggregates, strict=True)
    )
    slowest = tuple(
        SlowUpload(
            step=steps[-1].name,
            pod=number % 2,
            at_seconds=7.0 * number,
            response_seconds=(summary.response_time_seconds.max or 1.0) * (1 - number / 30),
            service_seconds=(summary.response_time_seconds.max or 1.0) * (1 - number / 29),
            address=f"10.0.0.{5 + number % 2}:8000",
            outcome="unknown" if number == 0 else "accepted",
            error="timeout" if number == 0 else "",
            status=None if number == 0 else 200,
            trace_id=f"{0x4BF92F3577B34DA6A3CE929D0E0E4736 + number:032x}",
        )
        for number in range(10)
    )
    return structs.replace(
        summary,
        steps=steps,
        distribution=steps[0].distribution if len(steps) == 1 else (),
        pods=tuple(_pod(index, index) for index in range(2)),
        slowest=slowest,
        manifest=MANIFEST,
    )


def _distribution(sketch: Sketch) -> tuple[DistributionPoint, ...]:
    points = ((quantile, sketch.quantile_seconds(quantile)) for quantile in QUANTILES[1:])
    return tuple(DistributionPoint(quantile=quantile, seconds=seconds) for quantile, seconds in points if seconds)


def _plateaus(aggregate: StepAggregate) -> tuple[PlateauSummary, ...]:
    """Three pieces of the same length, each with the figures of its seconds and the times of the whole."""
    seconds = aggregate.seconds
    third = len(seconds) // 3
    return tuple(
        PlateauSummary(
            first=first,
            end=first + third,
            level=float(seconds[first].virtual_users),
            unit="virtual users",
            requests=requests_of(merged_counts([second.counts for second in seconds[first : first + third]])),
            error_rate=0.0,
            requests_per_second=12.0,
            records_per_second=sum(second.records_answered for second in seconds[first : first + third]) / third,
            response_time_seconds=times_of(aggregate.response, aggregate.censored.response),
        )
        for first in (0, third, 2 * third)
        if third
    )


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
