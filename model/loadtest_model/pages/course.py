"""The section on the course of a run: response times, throughput, users and errors over one axis of time."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from loadtest_model.pages.course_bins import MOST_BINS, Course, course_of
from loadtest_model.pages.course_drawing import course_drawing
from loadtest_model.pages.elements import Element, element
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, Row, figures_behind
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow

_COLUMNS: Final = (
    *(Column("from"), Column("users"), Column("answers"), Column("avg"), Column("p95")),
    *(Column("records/s"), Column("errors"), Column("kinds", is_text=True)),
)


def course_section(
    summary: Summary, rows: Sequence[SeriesRow], most_bins: int = MOST_BINS, planned_seconds: float = 0.0
) -> Element:
    """The course of the run in at most about so many pieces, or a sentence where nothing was measured.

    `planned_seconds` is how long a run that goes on will be. Its course has no table, which would be read while it
    changes.
    """
    course = course_of(rows, most_bins, planned_seconds)
    if not course.bins:
        note = (
            "No load was measured yet." if planned_seconds else "No load was measured, so there is no course to show."
        )
        return section("course", "Course of the run", note=note)
    return section(
        "course",
        "Course of the run",
        element(
            "figure",
            course_drawing(summary.steps, course),
            element("figcaption", " ".join(_caption(summary, course))),
        ),
        figures_behind("The course of the run", _columns(summary), _table_rows(summary, course))
        if not planned_seconds
        else None,
    )


def _caption(summary: Summary, course: Course) -> list[str]:
    sentences = []
    start = _start_text(summary.started_at)
    sentences.append(f"Time counts from the start of the load{start}.")
    if course.is_condensed:
        width = span_text(course.width)
        sentences.append(
            f"Each piece covers {width}: records and errors are sums, users are the maximum, the average is over all"
            f" answers. The band spans the lowest and the highest p95 within the {width}, and the line is the highest."
        )
    elif course.row_seconds > 1:
        sentences.append(f"Each piece covers {span_text(course.row_seconds)}, which is as fine as the results are.")
    if any(step.plateaus for step in summary.steps):
        sentences.append("Shaded spans are plateaus, at one level of load.")
    kinds: Counter[str] = Counter()
    for each in course.bins:
        kinds.update(each.errors)
    if kinds:
        sentences.append(f"Errors by kind: {_kinds_text(dict(kinds.most_common(8)))}.")
    return sentences


def _start_text(started_at: str | None) -> str:
    try:
        return f", {datetime.fromisoformat(started_at):%Y-%m-%d %H:%M:%S} UTC" if started_at else ""
    except ValueError:
        return ""


def _columns(summary: Summary) -> tuple[Column, ...]:
    return (Column("step", is_text=True), *_COLUMNS) if len(summary.steps) > 1 else _COLUMNS


def _table_rows(summary: Summary, course: Course) -> list[Row]:
    has_steps = len(summary.steps) > 1
    return [
        (
            *((each.step,) if has_steps else ()),
            span_text(each.offset),
            f"{each.virtual_users:,}",
            f"{each.answers:,}",
            seconds_text(each.avg),
            _p95_text(each.p95_low, each.p95_high),
            f"{each.records_per_second:,.0f}",
            f"{each.error_count:,}",
            _kinds_text(each.errors),
        )
        for each in course.bins
    ]


def _p95_text(low: float | None, high: float | None) -> str:
    if low is None or high is None or low == high:
        return seconds_text(high)
    return f"{seconds_text(low)} to {seconds_text(high)}"


def _kinds_text(errors: dict[str, int]) -> str:
    return ", ".join(f"{kind} {number:,}" for kind, number in errors.items())
