"""The time series of a run as CSV."""

import csv
import io
from itertools import groupby
from typing import Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Second, merged_counts
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS

TIME_SERIES_COLUMNS: Final = (
    "step",
    "second",
    "virtual_users",
    "due",
    "sent",
    "accepted",
    "rejected",
    "unknown",
    "violation",
    "dropped",
    "records_sent",
    "records_confirmed",
    "bytes_sent",
    "answers",
    "records_answered",
    "avg_response_seconds",
    "seconds",
)


def time_series_csv(plan: Plan, aggregate: Aggregate, row_seconds: int = 1) -> str:
    """One row for so many seconds, counted from the common start of each step.

    The outcomes of an upload stand in the second of its intended start, so that every row is conserved; `answers`,
    `records_answered` and the average response time stand in the second in which the answers came. `second` is the
    first of a row's `seconds`, and `virtual_users` the most that were at work in them.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TIME_SERIES_COLUMNS)
    for step, step_aggregate in zip(plan.steps, aggregate.steps, strict=False):
        for first, seconds in groupby(
            step_aggregate.seconds, key=lambda second: second.second // row_seconds * row_seconds
        ):
            writer.writerow((step.name, *_row(first, tuple(seconds))))
    return text.getvalue()


def _row(first: int, seconds: tuple[Second, ...]) -> tuple[object, ...]:
    counts = seconds[0].counts if len(seconds) == 1 else merged_counts([second.counts for second in seconds])
    answers = sum(second.answers for second in seconds)
    response_nanoseconds = sum(second.response_nanoseconds_sum for second in seconds)
    return (
        first,
        max(second.virtual_users for second in seconds),
        counts.due,
        counts.sent,
        counts.accepted,
        counts.rejected,
        counts.unknown,
        counts.violation,
        counts.dropped,
        counts.records_sent,
        counts.records_confirmed,
        counts.bytes_sent,
        answers,
        sum(second.records_answered for second in seconds),
        f"{response_nanoseconds / answers / NANOSECONDS:.6f}" if answers else "",
        seconds[-1].second - first + 1,
    )
