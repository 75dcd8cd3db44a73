"""Draws docs/pictures/report.svg, the first screen of a report, by the page's own functions; --check says whether it is
up to date.

What it shows is in tools/example_run: the summary and the time series of a real run against the example target.
"""

import sys
import textwrap
from collections.abc import Iterator
from typing import Final

import msgspec

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.pages.course_bins import course_of
from loadtest_model.pages.course_drawing import course_drawing
from loadtest_model.pages.elements import Element, drawing_xml, element
from loadtest_model.pages.icons import HEALTH_TONES, VERDICT_TONES, Tone, icon
from loadtest_model.pages.panels import GUTTER
from loadtest_model.pages.stylesheet import stylesheet
from loadtest_model.pages.texts import PROOF_LIMITS, PROOF_SHOWS
from loadtest_model.pages.threshold_bar import threshold_bar
from loadtest_model.pages.thresholds import threshold_state
from loadtest_model.pages.verdict import key_figures, lead_sentence
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow, rows_of_csv
from tools.committed_files import REPOSITORY, write_or_check

FILE: Final = REPOSITORY / "docs" / "pictures" / "report.svg"
EXAMPLE: Final = REPOSITORY / "tools" / "example_run"

_WIDTH: Final = 960
_MARGIN: Final = 32
_RIGHT: Final = 640
"""Where the column beside the thresholds begins."""
_TEXT_STYLE: Final = """
text { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  font-size: 13px; fill: var(--text); font-variant-numeric: tabular-nums; }
text.code { font-family: ui-monospace, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
  font-size: 12px; }
text.quiet, .chart text { fill: var(--quiet); font-size: 12px; }
text.verdict-word { font-size: 28px; fill: var(--tone); }
text.heading { font-size: 15px; font-weight: 600; }
text.figure { font-size: 18px; font-weight: 600; text-align: left; }
text.strong { font-weight: 600; }
text.toned { fill: var(--tone); font-weight: 500; }
.background { fill: var(--page); stroke: var(--rule); }
.frame { fill: none; stroke: var(--rule); }
"""


def picture(summary: Summary, rows: tuple[SeriesRow, ...]) -> str:
    """The drawing of a run."""
    figures_top, judgement_top = 112, 214
    judgement_bottom = judgement_top + 34 + max(4, len(summary.thresholds)) * 34
    chart = _chart(summary, rows, judgement_bottom + 44)
    height = judgement_bottom + 44 + _height_of(chart) + 20
    return drawing_xml(
        _WIDTH,
        height,
        _title(summary),
        _style(),
        element("rect", class_="background", x=0.5, y=0.5, width=_WIDTH - 1, height=height - 1, rx=12),
        _verdict(summary),
        _key_figures(summary, figures_top),
        _thresholds(summary, judgement_top),
        _proof_and_health(summary, judgement_top),
        _text("Course of the run", _MARGIN, judgement_bottom + 26, "heading"),
        chart,
    )


def _title(summary: Summary) -> Element:
    return element("title", f"The report of a load test: {summary.verdict}. {lead_sentence(summary)}")


def _style() -> Element:
    return element("style", stylesheet() + _TEXT_STYLE)


def _text(text: str, x: float, y: float, style: str | None = None, anchor: str | None = None) -> Element:
    return element("text", text, x=x, y=y, class_=style, text_anchor=anchor)


def _placed(drawing: Element, x: float, y: float, width: float | None = None) -> Element:
    """A drawing at a place within this one."""
    drawing.set("x", str(x))
    drawing.set("y", str(y))
    if width is not None:
        drawing.set("width", str(width))
    return drawing


def _verdict(summary: Summary) -> Iterator[Element]:
    tone = VERDICT_TONES[summary.verdict]
    yield _placed(icon(tone, 40), _MARGIN, 30)
    left = _MARGIN + 56
    yield _text(summary.name, left, 38, "quiet")
    yield element("g", _text(str(summary.verdict), left, 66, "verdict-word"), class_=f"tone-{tone}")
    yield _text(lead_sentence(summary), left, 90)


def _key_figures(summary: Summary, top: int) -> Iterator[Element]:
    figures = list(key_figures(summary))
    width = (_WIDTH - 2 * _MARGIN) / len(figures)
    yield element("rect", class_="frame", x=_MARGIN, y=top, width=_WIDTH - 2 * _MARGIN, height=76, rx=10)
    for number, (name, value, remark) in enumerate(figures):
        left = _MARGIN + number * width
        if number:
            yield element("line", class_="frame", x1=left, x2=left, y1=top, y2=top + 76)
        yield _text(name, left + 12, top + 22, "quiet")
        yield _text(value, left + 12, top + 45, "figure")
        yield _text(remark, left + 12, top + 64, "quiet")


def _thresholds(summary: Summary, top: int) -> Iterator[Element]:
    yield _text("Thresholds", _MARGIN, top + 12, "heading")
    right = _RIGHT - 40
    for number, result in enumerate(summary.thresholds):
        y = top + 28 + number * 34
        tone, word = threshold_state(result)
        yield element("line", class_="frame", x1=_MARGIN, x2=right, y1=y, y2=y)
        yield _placed(icon(tone), _MARGIN, y + 9)
        yield element("g", _text(word, _MARGIN + 24, y + 22, "toned"), class_=f"tone-{tone}")
        yield _text(result.expression, _MARGIN + 84, y + 21, "code")
        yield _placed(threshold_bar(result, tone), _MARGIN + 280, y + 5, 200)
        yield _text(measured_text(result), right, y + 22, "strong", "end")


def _proof_and_health(summary: Summary, top: int) -> Iterator[Element]:
    level = summary.verification.level
    yield _text("Proof", _RIGHT, top + 12, "heading")
    yield _placed(icon(Tone.GOOD, 14), _RIGHT, top + 24)
    yield _text(str(level), _RIGHT + 20, top + 36, "strong")
    lines = textwrap.wrap(f"{PROOF_SHOWS[level]} {PROOF_LIMITS[level]}", 46)
    for number, line in enumerate(lines):
        yield _text(line, _RIGHT, top + 56 + 17 * number, "quiet")
    bottom = top + 56 + 17 * len(lines)
    if summary.health is None:
        return
    yield _text("Health", _RIGHT, bottom + 14, "heading")
    tone = HEALTH_TONES[summary.health.level]
    yield _placed(icon(tone, 14), _RIGHT, bottom + 26)
    yield element("g", _text(str(summary.health.level), _RIGHT + 20, bottom + 38, "toned"), class_=f"tone-{tone}")


def _chart(summary: Summary, rows: tuple[SeriesRow, ...], top: int) -> Element:
    marks, plot = course_drawing(summary.steps, course_of(rows))
    return element(
        "g",
        _placed(marks, _MARGIN, top),
        _placed(_without_readouts(plot), _MARGIN + GUTTER, top, _WIDTH - 2 * _MARGIN - GUTTER),
        class_="chart",
    )


def _without_readouts(plot: Element) -> Element:
    """The plot without what only a pointer can reach."""
    for group in plot.findall("g[@class='readouts']"):
        plot.remove(group)
    return plot


def _height_of(chart: Element) -> int:
    return int(chart[0].attrib["height"])


def main() -> int:
    summary = msgspec.json.decode((EXAMPLE / "summary.json").read_bytes(), type=Summary)
    rows = rows_of_csv((EXAMPLE / "time_series.csv").read_text())
    return write_or_check(FILE, picture(summary, rows), "the page")


if __name__ == "__main__":
    sys.exit(main())
