"""What was measured, as a status has it: the figures that stand nowhere else in it, each in camelCase.

The whole summary is in the results. All fields have defaults, so that the schema takes what version 0.1.0 wrote here.
"""

from typing import Annotated

from msgspec import Meta

from loadtest_model.judgement.diagnoses import MOST_DIAGNOSES, Diagnosis
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.report.figures import RecordCounts, Requests, Times
from loadtest_model.report.summary import Summary
from loadtest_model.values import WireValue


class StatusDiagnosis(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """Why uploads failed, and what to do."""

    cause: Cause
    title: str = ""
    evidence: str = ""
    next_step: str = ""
    count: int = 0


class StatusTimes(WireValue, frozen=True, kw_only=True):
    """A distribution in seconds; `censored` of the samples count at the age at which they were cut."""

    samples: int = 0
    avg: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    censored: int = 0


class StatusThroughput(WireValue, frozen=True, kw_only=True):
    """Per second of judged load."""

    requests_per_second: float = 0.0
    records_per_second: float = 0.0
    bytes_per_second: float = 0.0


class StatusGenerator(WireValue, frozen=True, kw_only=True):
    """How the generator fared."""

    notes: tuple[str, ...] = ()
    offered_share: float | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    max_loop_lag_seconds: float | None = None
    throttled_share: float | None = None
    cpu_limit_cores: float | None = None


class StatusSummary(WireValue, frozen=True, kw_only=True):
    """The figures of the whole run. Verdict, thresholds, health and proof stand beside it in the status."""

    duration_seconds: float = 0.0
    requests: Requests | None = None
    records: RecordCounts | None = None
    error_rate: float | None = None
    errors: dict[ErrorKind, int] = {}
    response_time_seconds: StatusTimes | None = None
    service_time_seconds: StatusTimes | None = None
    throughput: StatusThroughput | None = None
    diagnoses: Annotated[tuple[StatusDiagnosis, ...], Meta(max_length=MOST_DIAGNOSES)] = ()
    generator: StatusGenerator | None = None
    target_memory_bytes: int | None = None


def status_summary(summary: Summary) -> StatusSummary:
    """A summary as the status has it."""
    throughput, generator = summary.throughput, summary.generator
    return StatusSummary(
        duration_seconds=round(summary.duration_seconds, 3),
        requests=summary.requests,
        records=summary.records,
        error_rate=round_figure(summary.error_rate),
        errors=summary.errors,
        response_time_seconds=_times(summary.response_time_seconds),
        service_time_seconds=_times(summary.service_time_seconds),
        throughput=StatusThroughput(
            requests_per_second=round(throughput.requests_per_second, 3),
            records_per_second=round(throughput.records_per_second, 1),
            bytes_per_second=round(throughput.bytes_per_second),
        ),
        diagnoses=tuple(_diagnosis(diagnosis) for diagnosis in summary.diagnoses),
        generator=StatusGenerator(
            notes=generator.notes,
            offered_share=generator.offered_share,
            memory_bytes=generator.memory_bytes,
            cpu_seconds=generator.cpu_seconds,
            max_loop_lag_seconds=round(generator.max_loop_lag_seconds, 4),
            throttled_share=round_figure(generator.throttled_share),
            cpu_limit_cores=generator.cpu_limit_cores,
        ),
        target_memory_bytes=summary.target.memory_bytes,
    )


def round_figure(value: float | None) -> float | None:
    """A measured figure with six digits, as many as anybody compares."""
    return None if value is None else float(f"{value:.6g}")


def _times(times: Times) -> StatusTimes:
    return StatusTimes(
        samples=times.samples,
        avg=round_figure(times.avg),
        p50=round_figure(times.p50),
        p90=round_figure(times.p90),
        p95=round_figure(times.p95),
        p99=round_figure(times.p99),
        max=round_figure(times.max),
        censored=times.censored,
    )


def _diagnosis(diagnosis: Diagnosis) -> StatusDiagnosis:
    return StatusDiagnosis(
        cause=diagnosis.cause,
        title=diagnosis.title,
        evidence=diagnosis.evidence,
        next_step=diagnosis.next_step,
        count=diagnosis.count,
    )
