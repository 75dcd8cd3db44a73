"""The drawing of the course."""

import pytest
from msgspec import structs

from loadtest_model.pages.course_bins import course_of
from loadtest_model.pages.course_drawing import course_drawing, course_panels, number_mark
from loadtest_model.pages.elements import Element
from support.report_cases import all_steps, passed


def with_class(drawing: Element, style: str) -> list[Element]:
    return [each for each in drawing.iter() if style in each.attrib.get("class", "").split()]


def texts(elements: list[Element]) -> list[str]:
    return ["".join(each.itertext()) for each in elements]


@pytest.mark.parametrize(
    ("greatest", "marks"),
    [
        (3.0, ["0", "1.5", "3"]),
        (4_000.0, ["0", "2,000", "4,000"]),
        (160_000.0, ["0", "80k", "160k"]),
        (2e7, ["0", "10M", "20M"]),
    ],
)
def test_the_numbers_of_an_axis_are_short(greatest: float, marks: list[str]) -> None:
    write = number_mark(greatest)

    assert [write(value) for value in (0.0, greatest / 2, greatest)] == marks


def test_plateaus_are_shaded_where_they_were() -> None:
    case = passed()
    drawing = course_drawing(case.summary.steps, course_of(case.rows))

    bands = [(each.attrib["x"], each.attrib["width"]) for each in with_class(drawing, "plateau")]
    assert bands == [("0%", "33.33%"), ("33.33%", "33.33%"), ("66.67%", "33.33%")]
    assert texts(with_class(drawing, "plateau-label")) == ["1 VU", "2 VUs", "4 VUs"]


def test_steps_are_told_apart_by_lines_and_names() -> None:
    case = all_steps()
    drawing = course_drawing(case.summary.steps, course_of(case.rows))

    assert texts(with_class(drawing, "step-label")) == ["light", "medium", "heavy", "stress"]
    assert [each.attrib["x1"] for each in with_class(drawing, "border")] == ["0%", "10%", "25%", "50%"]


def test_a_gap_without_answers_breaks_the_lines() -> None:
    rows = [
        structs.replace(row, answers=0, avg_response_seconds=None, p95_response_seconds=None)
        if 40 <= row.second < 50
        else row
        for row in passed().rows
    ]
    drawing = course_drawing((), course_of(rows))

    (line,) = (each for each in with_class(drawing, "solid") if each.tag == "path")
    assert line.attrib["d"].count("M") == 2


def test_the_band_of_percentiles_is_drawn_only_of_what_was_condensed() -> None:
    rows = passed().rows

    assert [series.kind for series in course_panels(course_of(rows))[0].series] == ["solid", "dashed"]
    assert [series.kind for series in course_panels(course_of(rows, 20))[0].series] == ["range", "solid", "dashed"]


def test_the_drawing_is_told_in_words() -> None:
    case = passed()
    (description,) = course_drawing(case.summary.steps, course_of(case.rows)).iter("desc")

    assert description.text is not None
    assert description.text.startswith("Over 2m, the 95th percentile of the response time is at most ")
    assert "up to 4 virtual users are at work, and 0 errors are counted" in description.text
