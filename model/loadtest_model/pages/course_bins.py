"""The course of a run in as few pieces as a drawing can show, each told honestly from the rows of the time series."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Final

from loadtest_model.report.time_series import SeriesRow

MOST_BINS: Final = 240
_WIDTHS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400)


@dataclass(frozen=True)
class CourseBin:
    """A piece of a step, `offset` seconds after the load began.

    Counts are sums and `virtual_users` is the maximum. `avg` weighs every answer alike. Of the 95th percentiles of the
    rows the lowest and the highest are kept, because percentiles cannot be added up.
    """

    step: str
    offset: float
    seconds: float
    virtual_users: int
    answers: int
    records_answered: int
    avg: float | None
    p95_low: float | None
    p95_high: float | None
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> float:
        return self.offset + self.seconds

    @property
    def middle(self) -> float:
        return self.offset + self.seconds / 2

    @property
    def records_per_second(self) -> float:
        return self.records_answered / self.seconds

    @property
    def error_count(self) -> int:
        return sum(self.errors.values())


@dataclass(frozen=True)
class Course:
    """All pieces in order. `width` is the length of most of them in seconds; `row_seconds` is that of the rows.

    `planned_seconds` is how long a run that goes on will be; 0 for one that has ended.
    """

    bins: tuple[CourseBin, ...]
    width: int
    row_seconds: int
    planned_seconds: float = 0.0

    @cached_property
    def measured_seconds(self) -> float:
        return max((each.end for each in self.bins), default=0.0)

    @property
    def seconds(self) -> float:
        """The length of the axis: a run that goes on has room for what is to come."""
        return max(self.measured_seconds, self.planned_seconds)

    @property
    def is_condensed(self) -> bool:
        return self.width > self.row_seconds

    def step_offset(self, step: str) -> float | None:
        """How long after the beginning of the load a step began; None if it has not."""
        return next((each.offset for each in self.bins if each.step == step), None)


def course_of(rows: Sequence[SeriesRow], most_bins: int = MOST_BINS, planned_seconds: float = 0.0) -> Course:
    """The course in at most about so many pieces; none spans two steps."""
    row_seconds = max((row.seconds for row in rows), default=1)
    total = int(max(sum(row.seconds for row in rows), planned_seconds))
    width = next((width for width in _WIDTHS if total / width <= most_bins), total // most_bins + 1)
    # No row may belong to two pieces.
    width = -(-width // row_seconds) * row_seconds
    # Outcomes by the intended start stand in for kinds of error, which older files lack.
    has_kinds = any(row.errors for row in rows)
    bins: list[CourseBin] = []
    for step, start, step_rows in _steps(rows):
        for first, bin_rows in groupby(step_rows, key=lambda row: row.second // width * width):
            bins.append(_bin(step, start, first, tuple(bin_rows), has_kinds=has_kinds))
    return Course(tuple(bins), width, row_seconds, planned_seconds)


def _steps(rows: Sequence[SeriesRow]) -> Iterator[tuple[str, float, list[SeriesRow]]]:
    """Each step with its beginning, counted from that of the first, and its rows."""
    first_start, offset = None, 0.0
    for step, group in groupby(rows, key=lambda row: row.step):
        step_rows = list(group)
        first_row, last_row = step_rows[0], step_rows[-1]
        start = _seconds_of(first_row.time)
        first_start = start if first_start is None else first_start
        if start is not None and first_start is not None:
            offset = max(offset, start - first_start - first_row.second)
        yield step, offset, step_rows
        offset += last_row.second + last_row.seconds


def _seconds_of(instant: str) -> float | None:
    try:
        return datetime.fromisoformat(instant).timestamp() if instant else None
    except ValueError:
        return None


def _bin(step: str, start: float, first: int, rows: tuple[SeriesRow, ...], *, has_kinds: bool) -> CourseBin:
    answers = sum(row.answers for row in rows)
    response_seconds = sum(row.avg_response_seconds * row.answers for row in rows if row.avg_response_seconds)
    p95s = [row.p95_response_seconds for row in rows if row.p95_response_seconds is not None]
    return CourseBin(
        step=step,
        offset=start + first,
        seconds=rows[-1].second + rows[-1].seconds - first,
        virtual_users=max(row.virtual_users for row in rows),
        answers=answers,
        records_answered=sum(row.records_answered for row in rows),
        avg=response_seconds / answers if answers else None,
        p95_low=min(p95s, default=None),
        p95_high=max(p95s, default=None),
        errors=_errors(rows, has_kinds=has_kinds),
    )


def _errors(rows: tuple[SeriesRow, ...], *, has_kinds: bool) -> dict[str, int]:
    errors: dict[str, int] = {}

    def count(kind: str, number: int) -> None:
        if number:
            errors[kind] = errors.get(kind, 0) + number

    for row in rows:
        count("dropped", row.dropped)
        if not has_kinds:
            for outcome in ("rejected", "unknown", "violation"):
                count(outcome, getattr(row, outcome))
            continue
        for entry in row.errors.split():
            kind, _, number = entry.partition("=")
            if number.isdecimal():
                count(kind, int(number))
    return errors
