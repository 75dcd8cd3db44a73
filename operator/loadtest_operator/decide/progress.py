"""How far a run is, as its status has it."""

from datetime import timedelta

from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import merged_counts
from loadtest_model.plan import Plan
from loadtest_model.report.progress import progress_of
from loadtest_model.report.status import StatusProgress
from loadtest_model.report.summary import Summary
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339


def status_progress(plan: Plan, aggregate: Aggregate) -> StatusProgress:
    """The progress of a run that has begun, from its merged snapshots."""
    progress = progress_of(plan, aggregate)
    return StatusProgress(
        step=progress.step,
        elapsed_seconds=round(progress.elapsed_seconds, 1),
        total_seconds=round(progress.total_seconds, 1),
        percent=round(100 * progress.share, 1),
        virtual_users=progress.virtual_users,
        records_per_second=round(progress.records_per_second, 1),
        records_confirmed=progress.records_confirmed,
        p95_seconds=round_optional(progress.p95_seconds),
        error_rate=round_optional(progress.error_rate),
        errors=progress.errors,
    )


def last_progress(plan: Plan, aggregate: Aggregate, summary: Summary) -> StatusProgress:
    """The progress of a run that has ended: no step is the current one any more, so its figures are the run's."""
    counts = merged_counts([step.total for step in aggregate.steps])
    return structs.replace(
        status_progress(plan, aggregate),
        records_per_second=round(summary.throughput.records_per_second, 1),
        p95_seconds=round_optional(summary.response_time_seconds.p95),
        error_rate=round_optional(counts.error_rate),
        errors=counts.errors,
    )


def load_started_at(observation: Observation, aggregate: Aggregate) -> str | None:
    """When the load began, in RFC 3339; None before.

    The pods tell it where the write that was to keep it was lost, with an operator or to a conflict.
    """
    recorded = observation.test.record.started_at
    if recorded is not None or aggregate.elapsed_seconds <= 0:
        return recorded
    return rfc3339(observation.now - timedelta(seconds=aggregate.elapsed_seconds))


def round_optional(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
