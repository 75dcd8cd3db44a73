"""The section of a report on what a climb came to."""

import re

from loadtest_model.pages.capacity import capacity_section
from loadtest_model.pages.elements import fragment_html
from loadtest_model.pages.report_page import report_page
from loadtest_model.pages.verdict import load_text
from loadtest_model.report.capacity import CapacitySummary
from support.report_cases import ReportCase, climbed, passed, with_summary


def section_of(capacity: CapacitySummary | None) -> str:
    section = capacity_section(with_summary(climbed(), capacity=capacity).summary)
    return "" if section is None else fragment_html(section)


def capacity_of_case() -> CapacitySummary:
    capacity = climbed().summary.capacity
    assert capacity is not None
    return capacity


def test_it_tells_the_load_that_held_the_limit_and_the_knee() -> None:
    html = section_of(capacity_of_case())

    assert "2 virtual users held: 20 uploads/s, 200 records/s." in html
    assert "Limited by the target: at 4 virtual users, threshold p95 &lt; 2s is breached: measured 3.000 s." in html
    assert "Throughput hardly grows above 2 virtual users (the knee)." in html
    assert "The required load of 2 virtual users held." in html


def test_the_load_of_a_climb_is_what_it_reached_and_not_what_was_planned() -> None:
    assert load_text(climbed().summary).startswith("up to 4 virtual users")


def test_the_drawing_marks_what_it_tells_and_says_so_without_the_picture() -> None:
    html = section_of(capacity_of_case())

    assert re.findall(r'class="step-label"[^>]*>([^<]+)<', html) == ["knee, highest that held, required", "limit"]
    (description,) = re.findall(r"<desc>(.*?)</desc>", html)
    assert description.startswith("At 1 virtual user the p95 is")
    assert "limit: 4 virtual users" in description


def test_each_plateau_has_its_row() -> None:
    html = section_of(capacity_of_case())

    assert re.findall(r'<th scope="row">([^<]+)</th><td class="words">([^<]+)</td>', html) == [
        ("1", "held"),
        ("2", "held"),
        ("4", "did not hold"),
    ]


def test_a_climb_of_one_plateau_has_no_drawing() -> None:
    capacity = capacity_of_case()
    one = CapacitySummary(
        **{name: getattr(capacity, name) for name in capacity.__struct_fields__ if name != "plateaus"},
        plateaus=capacity.plateaus[:1],
    )

    assert "<svg" in section_of(capacity)
    assert "<svg" not in section_of(one)
    assert "<table" in section_of(one)


def test_only_a_climb_has_the_section() -> None:
    assert section_of(None) == ""
    assert 'id="capacity"' in page_of(climbed())
    assert 'id="capacity"' not in page_of(passed())


def page_of(case: ReportCase) -> str:
    return report_page(case.summary, case.rows)
