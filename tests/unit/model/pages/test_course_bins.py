"""The course of a run in few pieces, each told honestly."""

from typing import Any

import pytest

from loadtest_model.pages.course_bins import MOST_BINS, course_of
from loadtest_model.report.time_series import SeriesRow


def a_row(second: int, **fields: Any) -> SeriesRow:
    zeros = dict.fromkeys(
        ("due", "sent", "accepted", "rejected", "unknown", "violation", "dropped", "records_sent"), 0
    ) | dict.fromkeys(("records_confirmed", "bytes_sent", "answers", "records_answered"), 0)
    defaults = {"step": "custom", "virtual_users": 1, "avg_response_seconds": None}
    return SeriesRow(second=second, **{**zeros, **defaults, **fields})


def test_a_short_run_has_a_piece_for_each_second() -> None:
    course = course_of([a_row(second, records_answered=1_000) for second in range(60)])

    assert len(course.bins) == 60
    assert not course.is_condensed
    assert course.seconds == 60
    assert {each.records_per_second for each in course.bins} == {1_000}


def test_a_long_run_is_condensed_to_sums_maxima_and_ranges() -> None:
    rows = [
        a_row(
            second,
            virtual_users=second % 7,
            answers=1 + second % 2,
            records_answered=100,
            avg_response_seconds=1.0 + second % 2,
            p95_response_seconds=2.0 + second % 3,
            errors="timeout=2 reset=1" if second % 100 == 0 else "",
        )
        for second in range(6_000)
    ]

    course = course_of(rows)

    assert course.is_condensed
    assert len(course.bins) <= MOST_BINS
    assert sum(each.answers for each in course.bins) == sum(row.answers for row in rows)
    assert sum(each.records_answered for each in course.bins) == 600_000
    assert sum(each.errors.get("timeout", 0) for each in course.bins) == 120
    assert sum(each.error_count for each in course.bins) == 180
    first = course.bins[0]
    assert first.virtual_users == 6
    assert first.avg == pytest.approx((1.0 + 2 * 2.0) / 3)
    assert (first.p95_low, first.p95_high) == (2.0, 4.0)
    assert first.records_per_second == 100


def test_steps_follow_each_other_by_their_instants() -> None:
    rows = [
        *(a_row(second, step="light", time=f"2026-03-01T12:00:{second:02}.500Z") for second in range(10)),
        *(a_row(second, step="heavy", time=f"2026-03-01T12:01:{second:02}Z") for second in range(5)),
    ]

    course = course_of(rows)

    assert course.step_offset("heavy") == 59.5
    assert course.seconds == 64.5
    assert {each.step for each in course.bins} == {"light", "heavy"}


def test_steps_without_instants_follow_each_other_at_once() -> None:
    rows = [a_row(second, step=step) for step in ("light", "heavy") for second in range(10)]

    assert course_of(rows).step_offset("heavy") == 10


def test_no_piece_spans_two_steps() -> None:
    rows = [a_row(second, step=step) for step in ("light", "heavy") for second in range(1_003)]

    course = course_of(rows)

    assert course.is_condensed
    assert sum(each.seconds for each in course.bins) == 2_006
    assert [each.step for each in course.bins] == sorted((each.step for each in course.bins), reverse=True)


def test_outcomes_stand_in_where_no_row_names_kinds_of_error() -> None:
    (each,) = course_of([a_row(0, rejected=2, unknown=1, dropped=3)]).bins

    assert each.errors == {"dropped": 3, "rejected": 2, "unknown": 1}


def test_a_kind_of_error_that_cannot_be_read_is_left_out() -> None:
    (each,) = course_of([a_row(0, errors="timeout=2 = x=-1 y=z")]).bins

    assert each.errors == {"timeout": 2}


def test_rows_of_several_seconds_keep_their_length() -> None:
    course = course_of([a_row(second, seconds=30, records_answered=300) for second in range(0, 900, 30)])

    assert (course.row_seconds, course.is_condensed, course.seconds) == (30, False, 900)
    assert {each.records_per_second for each in course.bins} == {10}
