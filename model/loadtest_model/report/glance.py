"""The story of a test in a few lines: the first that `kubectl describe` shows of a status."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.quantities import count_text, seconds_text, span_text
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.capacity import capacity_lines

if TYPE_CHECKING:
    from loadtest_model.report.status import Status

_MOST_THRESHOLDS: Final = 8


def glance_of(status: "Status") -> tuple[str, ...]:
    """The lines about a test that has ended; none before. Texts that stand elsewhere in the status are not repeated."""
    return tuple(_lines(status)) if status.verdict is not None else ()


def _verdict_line(status: "Status") -> str:
    if status.verdict is None:
        return ""
    where = "" if status.verdict is Verdict.PASSED else "; the field Message says why"
    verdict = verdict_text(status.verdict, status.reason_class or ReasonClass.LOAD)
    return f"{verdict}{f', {status.reason}' if status.reason else ''}{where}"


def _lines(status: "Status") -> Iterator[str]:
    yield _verdict_line(status)
    plan, summary, progress = status.plan, status.summary, status.progress
    if status.reason_class is ReasonClass.VERIFICATION:
        yield "Load: none was asked for (spec.verification.only)"
    elif plan is not None:
        duration = span_text(sum(step.duration_seconds for step in plan.steps))
        users = max(step.virtual_users for step in plan.steps)
        done = "" if progress is None else f", {int(progress.percent)}% of it run"
        yield (
            f"Load: {plan.scenario}, {duration}, up to {count_text(users, 'virtual user')} in"
            f" {count_text(plan.parallelism, 'pod')}{done}"
        )
    if status.capacity is not None:
        yield from (f"Capacity: {line}" for line in capacity_lines(status.capacity))
    if summary is not None and summary.requests is not None and summary.requests.due:
        requests = summary.requests
        yield (
            f"Uploads: {requests.sent:,} sent = {requests.accepted:,} accepted + {requests.rejected:,} rejected"
            f" + {requests.unknown:,} unknown + {requests.violation:,} violation; {requests.dropped:,} dropped"
        )
        if summary.records is not None and summary.throughput is not None:
            yield (
                f"Records: {summary.records.confirmed:,} confirmed of {summary.records.sent:,} sent,"
                f" {summary.throughput.records_per_second:,.0f} a second"
            )
    results = sorted(status.thresholds, key=lambda result: (result.passed is not False, result.passed is True))
    marks = {True: "held", False: "breached", None: "not decided"}
    for result in results[:_MOST_THRESHOLDS]:
        step = f"{result.step}: " if result.step else ""
        place = f" {result.note}" if status.capacity is not None and result.note else ""
        yield f"Threshold {step}{result.expression}{place}: {marks[result.passed]}, measured {measured_text(result)}"
    if len(results) > _MOST_THRESHOLDS:
        yield f"and {len(results) - _MOST_THRESHOLDS} thresholds more, below"
    if summary is not None and summary.response_time_seconds is not None and summary.response_time_seconds.samples:
        times = summary.response_time_seconds
        whole = " of the whole climb" if status.capacity is not None else ""
        yield f"Response time{whole}: average {seconds_text(times.avg)}, p95 {seconds_text(times.p95)}"
    if status.health is not None:
        signs = count_text(len(status.health.evidence), "sign")
        yield f"Health: {status.health.level}{f' ({signs}, below)' if status.health.evidence else ''}"
    if status.verification is not None:
        proof = status.verification
        yield (
            f"Proof: {proof.level}; the verification sent {count_text(proof.uploads, 'upload')} with"
            f" {count_text(proof.rows, 'row')}"
        )
    if status.results is not None:
        yield f"Results: ConfigMap {status.results.config_map}"
