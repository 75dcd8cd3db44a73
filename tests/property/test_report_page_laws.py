"""Laws of the report: whatever a text holds it stays text, and whatever is condensed keeps its sums."""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.judgement.diagnoses import Diagnosis
from loadtest_model.measurement.causes import Cause
from loadtest_model.pages.course_bins import course_of
from loadtest_model.pages.elements import clean_text
from loadtest_model.pages.report_page import LARGEST_REPORT_BYTES, report_page
from loadtest_model.report.time_series import SeriesRow
from support.report_cases import a_case_of, refused, staged_plan

MARKUP = (
    *("<script>", "</script>", "<img src=x onerror=alert(1)>", "</style>", "<!--", "-->", "]]>", "<![CDATA[", "</svg>"),
    *("<b>", "&lt;", "&#x3c;", "&amp;", '"', "'", "`", "javascript:", "\x00", "\x1b[31m", "\u202e", "\ud800", "\r\n"),
    *("\x0c", "\x85", "\u2028", "{", "}", "%s", "<?php", "</title>", "</textarea>", "<svg onload=x>"),
)
HOSTILE = st.lists(st.sampled_from(MARKUP) | st.text(st.characters(), max_size=8), min_size=1, max_size=8).map(
    lambda parts: f"x{''.join(parts)}"
)

CASE, REFUSED = a_case_of(staged_plan((1, 2), 5)), refused()


class Outline(HTMLParser):
    """The elements of a page with the names of their attributes, and the text in the order in which it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data!r}")


def page_with(text: str) -> str:
    """A report in which every text that may come from others is this one."""
    step = CASE.summary.steps[0]
    counts = next(iter(step.addresses.values()))
    diagnosis = Diagnosis(cause=Cause.MARKER_MISSING, title=text, evidence=text, next_step=text, count=3)
    proof = structs.replace(
        CASE.summary.verification, notice=text, read_back=text, unverified=(text,), vanished=(text,)
    )
    summary = structs.replace(
        CASE.summary,
        name=text,
        scenario=text,
        started_at=text,
        reasons=(text,) * 5,
        manifest=f"x{text}",
        verification=proof,
        diagnoses=(diagnosis,),
        health=structs.replace(CASE.summary.health, evidence=(text,)),
        slowest=(structs.replace(CASE.summary.slowest[0], address=f"x{text}", error=f"x{text}", trace_id=f"x{text}"),),
        steps=(structs.replace(step, name=text, addresses={text: counts}),),
        target=structs.replace(CASE.summary.target, images=(text,), not_measurable=f"x{text}"),
        generator=structs.replace(CASE.summary.generator, notes=(text,)),
        thresholds=tuple(
            structs.replace(result, note=f"x{text}", step=f"x{text}") for result in CASE.summary.thresholds
        ),
    )
    return report_page(summary, CASE.rows)


@given(text=HOSTILE)
def test_hostile_text_never_becomes_markup(text: str) -> None:
    plain, hostile = Outline(page_with("plain")), Outline(page_with(text))

    assert hostile.elements == plain.elements
    assert clean_text(text) in "".join(hostile.text)


@given(text=HOSTILE)
def test_no_control_character_reaches_the_reader(text: str) -> None:
    page = page_with(text)

    assert all(letter in "\n\t" or letter.isprintable() or letter.isspace() or ord(letter) > 0xA0 for letter in page)
    assert not any(letter in page for letter in "\x00\x1b\r\x9b\u202e\u2066")
    page.encode()


@given(text=HOSTILE)
def test_a_refusal_with_hostile_text_is_a_page_all_the_same(text: str) -> None:
    summary = structs.replace(REFUSED.summary, name=text, reasons=(text,), manifest="")

    assert clean_text(text) in "".join(Outline(report_page(summary, ())).text)


NUMBERS = st.integers(0, 10_000)
TIMES = st.none() | st.floats(0.0, 1_000.0)


@dataclass(frozen=True)
class Pattern:
    """A series in short: the seconds that repeat, and the rows of each step."""

    seconds: tuple[SeriesRow, ...]
    lengths: dict[str, int]
    width: int

    def rows(self) -> list[SeriesRow]:
        return [
            structs.replace(
                self.seconds[number % len(self.seconds)], step=step, second=number * self.width, seconds=self.width
            )
            for step, length in self.lengths.items()
            for number in range(length)
        ]


@st.composite
def seconds(draw: st.DrawFn) -> SeriesRow:
    answers, timeouts = draw(NUMBERS), draw(st.integers(0, 3))
    return SeriesRow(
        step="",
        second=0,
        virtual_users=draw(NUMBERS),
        due=0,
        sent=0,
        accepted=0,
        rejected=timeouts,
        unknown=0,
        violation=0,
        dropped=draw(NUMBERS),
        records_sent=0,
        records_confirmed=0,
        bytes_sent=0,
        answers=answers,
        records_answered=draw(NUMBERS),
        avg_response_seconds=draw(TIMES) if answers else None,
        p95_response_seconds=draw(TIMES),
        errors=f"timeout={timeouts}" if timeouts else "",
    )


PATTERNS = st.builds(
    Pattern,
    seconds=st.lists(seconds(), min_size=1, max_size=5).map(tuple),
    lengths=st.dictionaries(st.sampled_from(("light", "medium", "heavy", "stress")), st.integers(1, 2_000), max_size=4),
    width=st.sampled_from((1, 2, 30, 3_600)),
)


@pytest.mark.parametrize("most_bins", [10, 240])
@given(pattern=PATTERNS)
def test_condensing_keeps_every_sum_and_the_order_of_time(most_bins: int, pattern: Pattern) -> None:
    rows = pattern.rows()

    course = course_of(rows, most_bins)

    assert sum(each.answers for each in course.bins) == sum(row.answers for row in rows)
    assert sum(each.records_answered for each in course.bins) == sum(row.records_answered for row in rows)
    assert sum(each.error_count for each in course.bins) == sum(row.rejected + row.dropped for row in rows)
    assert max((each.virtual_users for each in course.bins), default=0) == max(
        (r.virtual_users for r in rows), default=0
    )
    for before, after in zip(course.bins, course.bins[1:], strict=False):
        assert before.end <= after.offset + 1e-6
    for each in course.bins:
        if each.p95_low is not None and each.p95_high is not None:
            assert each.p95_low <= each.p95_high


@given(pattern=PATTERNS)
def test_every_series_has_a_report_that_is_small_enough(pattern: Pattern) -> None:
    page = report_page(CASE.summary, pattern.rows())

    assert len(page.encode()) <= LARGEST_REPORT_BYTES
    assert "nan" not in page
    assert "inf" not in page.replace("information", "")
