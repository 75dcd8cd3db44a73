"""The time series of a run: its rows, and the same as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain, groupby, islice
from typing import Final

from msgspec import Struct, convert, structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.coarse_times import coarse_count, coarse_quantile_seconds, merged_coarse_times
from loadtest_model.measurement.counts import Second, merged_counts, merged_errors
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS


class SeriesRow(Struct, frozen=True, kw_only=True):
    """One row, of `seconds` seconds from `second` of the step `step` on.

    `time` is the beginning of the row in RFC 3339, empty if the start is not known. The outcomes of an upload stand
    in the second of its intended start, so that every row is conserved; `answers`, `records_answered` and the response
    times stand in the second in which the answers came. `virtual_users` is the most that were at work. `errors` has
    the kinds of error of the uploads that ended here, as `server_error=1 timeout=2`. The 95th percentile lies within
    `COARSE_ERROR` of the exact one, or within `COARSE_WIDTH` if the average or the greatest time of the step stands for
    it.
    """

    step: str
    second: int
    time: str = ""
    virtual_users: int
    due: int
    sent: int
    accepted: int
    rejected: int
    unknown: int
    violation: int
    dropped: int
    records_sent: int
    records_confirmed: int
    bytes_sent: int
    answers: int
    records_answered: int
    avg_response_seconds: float | None
    p95_response_seconds: float | None = None
    errors: str = ""
    seconds: int = 1


TIME_SERIES_COLUMNS: Final = SeriesRow.__struct_fields__
_PART_ROWS: Final = 500


def series_rows(
    plan: Plan, aggregate: Aggregate, started_at: str | None, row_seconds: int = 1
) -> tuple[SeriesRow, ...]:
    """One row for so many seconds, counted from the common start of each step. `started_at` is in RFC 3339."""
    return tuple(each_series_row(plan, aggregate, started_at, row_seconds))


def each_series_row(
    plan: Plan, aggregate: Aggregate, started_at: str | None, row_seconds: int = 1
) -> Iterator[SeriesRow]:
    """The rows of `series_rows`, each made when it is asked for."""
    start = datetime.fromisoformat(started_at) if started_at else None
    planned_starts = accumulate(plan.step_span_seconds, initial=0.0)
    for step, step_aggregate, planned_seconds in zip(plan.steps, aggregate.steps, planned_starts, strict=False):
        # The pods of a fleet begin each step together, as planned; a pod that is alone does so as soon as it can.
        start_seconds = planned_seconds if step_aggregate.start_seconds is None else step_aggregate.start_seconds
        step_start = start + timedelta(seconds=start_seconds) if start else None
        sketches = (step_aggregate.response, step_aggregate.rejected_response)
        greatest_seconds = max(each.max_seconds or 0.0 for each in sketches)
        for first, seconds in groupby(
            step_aggregate.seconds, key=lambda second: second.second // row_seconds * row_seconds
        ):
            yield _row(step.name, step_start, first, tuple(seconds), greatest_seconds)


def time_series_csv(rows: Iterable[SeriesRow]) -> str:
    """The rows under a heading, in the order of the columns."""
    return "".join(time_series_parts(rows))


def time_series_parts(rows: Iterable[SeriesRow]) -> Iterator[str]:
    """The text of `time_series_csv` in parts, so that a reader may stop before the rows do."""
    lines = chain([TIME_SERIES_COLUMNS], (tuple(map(_cell, structs.astuple(row))) for row in rows))
    while part := list(islice(lines, _PART_ROWS)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(part)
        yield text.getvalue()


def rows_of_csv(text: str) -> tuple[SeriesRow, ...]:
    """The rows that were written as CSV; columns that an older version did not write have their defaults.

    Raises msgspec.ValidationError if a cell is not what its column has.
    """
    return tuple(
        convert(
            {name: cell or (None if name.endswith("_seconds") else "") for name, cell in row.items()},
            SeriesRow,
            strict=False,
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else value


def _row(
    step: str, step_start: datetime | None, first: int, seconds: tuple[Second, ...], greatest_seconds: float | None
) -> SeriesRow:
    counts = seconds[0].counts if len(seconds) == 1 else merged_counts([second.counts for second in seconds])
    answers = sum(second.answers for second in seconds)
    response_nanoseconds = sum(second.response_nanoseconds_sum for second in seconds)
    average_seconds = response_nanoseconds / answers / NANOSECONDS if answers else None
    return SeriesRow(
        step=step,
        second=first,
        time=_rfc3339(step_start + timedelta(seconds=first)) if step_start else "",
        virtual_users=max(second.virtual_users for second in seconds),
        due=counts.due,
        sent=counts.sent,
        accepted=counts.accepted,
        rejected=counts.rejected,
        unknown=counts.unknown,
        violation=counts.violation,
        dropped=counts.dropped,
        records_sent=counts.records_sent,
        records_confirmed=counts.records_confirmed,
        bytes_sent=counts.bytes_sent,
        answers=answers,
        records_answered=sum(second.records_answered for second in seconds),
        avg_response_seconds=average_seconds,
        p95_response_seconds=_p95_seconds(seconds, answers, average_seconds, greatest_seconds),
        errors=" ".join(
            f"{kind}={count}" for kind, count in merged_errors(second.errors for second in seconds).items()
        ),
        seconds=seconds[-1].second - first + 1,
    )


def _p95_seconds(
    seconds: tuple[Second, ...], answers: int, average_seconds: float | None, greatest_seconds: float | None
) -> float | None:
    """The 95th percentile of the answers' response times; None if a pod of an older version did not tell them all."""
    times = merged_coarse_times(second.answer_times for second in seconds)
    if coarse_count(times) != answers:
        return None
    return coarse_quantile_seconds(times, 0.95, average_seconds, greatest_seconds)


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
