"""Notices about a plan before it starts: what lowers the claim, and unique values that will repeat."""

from collections.abc import Iterator

from loadtest_model.plan import Plan, unseen_endpoints
from loadtest_model.plan.climb import climb_notices
from loadtest_model.plan.columns import ColumnPlan
from loadtest_model.plan.mesh import NOTICE as MESH
from loadtest_model.records.phone_space import Contact, phone_capacity, phone_shortages


def plan_notices(plan: Plan) -> tuple[str, ...]:
    """A sentence for all that lowers the claim, and one for each column whose values will repeat within the run.

    Client ids and e-mails never do.

    If the load is bounded by time, the records that it sends are not known beforehand: then only what repeats
    within the first batch of every virtual user is told.
    """
    record_totals = [step.records for step in plan.steps]
    known_totals = [total for total in record_totals if total is not None]
    rows = sum(known_totals) if len(known_totals) == len(record_totals) else plan.exposed_rows
    return (
        *_claim_notices(plan),
        *_phone_notices(plan, rows),
        *_unique_column_notices(plan, rows),
        *_climb_notices(plan),
    )


def _climb_notices(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        if step.climb is not None:
            yield from climb_notices(step.thresholds, step.segments[0].duration_seconds, step.arrivals)


def _claim_notices(plan: Plan) -> Iterator[str]:
    if plan.unseen_endpoints:
        yield unseen_endpoints.NOTICE
    if plan.mesh:
        yield MESH


def _phone_notices(plan: Plan, rows: int) -> Iterator[str]:
    records = plan.records
    if not any(_has_phone(column) for column in records.columns):
        return
    shortages = phone_shortages(rows, records.locale, records.contact)
    if shortages:
        worst = shortages[0]
        capacity = phone_capacity(records.locale, records.contact)
        explanation = ", as spec.records.contact is reserved" if records.contact == Contact.RESERVED else ""
        yield (
            f"phones come again from about {capacity:,} records on: area code {worst.area_code} has"
            f" {worst.capacity:,} numbers, and {rows:,} records take about {worst.expected:,} of it{explanation}"
        )


def _has_phone(column: ColumnPlan) -> bool:
    return column.source == "phone" or any(part.client == "phone" for part in column.parts)


def _unique_column_notices(plan: Plan, rows: int) -> Iterator[str]:
    for column in plan.records.columns:
        if column.capacity is not None and column.capacity < rows:
            yield (
                f"the values of column {column.name!r} come again after {column.capacity:,} records: so many has"
                f" {_extent_of(column)}, and the test sends {rows:,}"
            )


def _extent_of(column: ColumnPlan) -> str:
    return f"width {column.width}" if column.kind == "unique" else f"the pattern {column.text}"
