"""Two runs on one page: their curves over each other, their distributions and their figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.pages.course_bins import Course, CourseBin, course_of
from loadtest_model.pages.course_drawing import AXIS_HEIGHT, TITLE_HEIGHT, number_mark, time_axis
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.icons import VERDICT_TONES, favicon, stated
from loadtest_model.pages.panels import Panel, Point, Series, chart_of, panel_drawing, panel_title, place_panels
from loadtest_model.pages.percentile_chart import Distribution, legend, percentile_chart
from loadtest_model.pages.report_page import page
from loadtest_model.pages.scales import Scale, time_mark
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, table
from loadtest_model.pages.thresholds import threshold_state
from loadtest_model.report.comparison import compared_figures, compared_thresholds, obstacles
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow
from loadtest_model.thresholds.bounds import ThresholdResult

TITLE: Final = "Course of both runs"
_TIMES_HEIGHT: Final = 170
_RATES_HEIGHT: Final = 110
_ERRORS_HEIGHT: Final = 60


@dataclass(frozen=True)
class ComparedRun:
    """A run by its name. A run without `rows` has no curves."""

    name: str
    summary: Summary
    rows: Sequence[SeriesRow] = ()


def comparison_page(first: ComparedRun, second: ComparedRun) -> str:
    """The page of two runs, one HTML file that needs nothing besides itself."""
    runs = (first, second)
    content = element(
        "main",
        _head(runs),
        _courses(runs),
        _distributions(runs),
        _figures(first.summary, second.summary, names=(first.name, second.name)),
        _thresholds(first.summary, second.summary, names=(first.name, second.name)),
        id="report",
    )
    tone = VERDICT_TONES[second.summary.verdict]
    return page(f"{first.name} and {second.name}", content, icon_address=favicon(tone))


def _head(runs: Sequence[ComparedRun]) -> Element:
    differences = list(obstacles(*(run.summary for run in runs)))
    return element(
        "section",
        element("h1", " and ".join(run.name for run in runs), id="runs-title"),
        element(
            "ul",
            [
                element("li", stated(VERDICT_TONES[run.summary.verdict], f"{run.name}: {run.summary.verdict}"))
                for run in runs
            ],
        ),
        element("ul", [element("li", sentence(text)) for text in differences], class_="remarks")
        if differences
        else None,
        id="runs",
        aria_labelledby="runs-title",
    )


def _courses(runs: Sequence[ComparedRun]) -> Element:
    courses = [course_of(run.rows) for run in runs]
    if not any(course.bins for course in courses):
        return section("course", TITLE, note="Neither run has a time series.")
    axis = Scale(0.0, max(course.seconds for course in courses))
    panels = _panels(courses, axis)
    placed_panels, bottom = place_panels(panels, 0, TITLE_HEIGHT)
    height = bottom + AXIS_HEIGHT
    drawing = element(
        "svg",
        element("title", TITLE),
        element("desc", f"The curves of {' and '.join(run.name for run in runs)} over each other."),
        [shape for panel, top in placed_panels for shape in panel_drawing(panel, top)],
        [panel_title(panel, top - 11) for panel, top in placed_panels],
        time_axis(axis, bottom),
        class_="plot",
        role="img",
        aria_label=TITLE,
        width="100%",
        height=height,
    )
    names = legend([Distribution(run.name, ()) for run in runs])
    caption = element("figcaption", "Time counts from the start of each run's load.")
    return section("course", TITLE, element("figure", chart_of(drawing, placed_panels, height), names, caption))


def _panels(courses: Sequence[Course], axis: Scale) -> list[Panel]:
    def lines(value_of: Callable[[CourseBin], float | None]) -> list[Series]:
        return [
            Series("", f"stroke-{number}", _points(course, axis, value_of)) for number, course in enumerate(courses)
        ]

    has_p95 = all(any(each.p95_high is not None for each in course.bins) for course in courses)
    times = lines(lambda each: each.p95_high) if has_p95 else lines(lambda each: each.avg)
    rates = lines(lambda each: each.records_per_second)
    errors = lines(lambda each: each.error_count / each.seconds)
    return [
        Panel(f"Response time, {'p95' if has_p95 else 'average'}", times, time_mark, _TIMES_HEIGHT, intervals=3),
        Panel("Records answered per second", rates, number_mark(_greatest(rates)), _RATES_HEIGHT),
        Panel("Errors per second", errors, number_mark(_greatest(errors)), _ERRORS_HEIGHT, intervals=1),
    ]


def _points(course: Course, axis: Scale, value_of: Callable[[CourseBin], float | None]) -> list[Point]:
    return [(axis.share(each.middle), value_of(each)) for each in course.bins]


def _greatest(series: Sequence[Series]) -> float:
    return max(each.greatest for each in series)


def _distributions(runs: Sequence[ComparedRun]) -> Element | None:
    distributions = [Distribution(run.name, run.summary.distribution) for run in runs]
    if not all(len(each.points) > 1 for each in distributions):
        return None
    title = "Distribution of the response time"
    figure = element("figure", percentile_chart(distributions), legend(distributions))
    return section("distribution", title, figure)


def _figures(first: Summary, second: Summary, *, names: tuple[str, str]) -> Element:
    rows = [
        (figure.name, figure.first, figure.second, figure.difference, figure.interval)
        for figure in compared_figures(first, second)
    ]
    columns = (Column("figure", is_text=True), *map(Column, names), Column("difference"), Column("within"))
    note = (
        "The last column says between which values the difference lies, as far as the blocks of both runs tell (95 %)."
        " How much runs of one target differ from each other is not known from two runs."
    )
    return section(
        "figures", "Figures", table("Figures of both runs", columns, rows, is_caption_hidden=True), note=note
    )


def _thresholds(first: Summary, second: Summary, *, names: tuple[str, str]) -> Element | None:
    rows = [
        (element("code", each.name), _threshold(each.first), _threshold(each.second))
        for each in compared_thresholds(first, second)
    ]
    if not rows:
        return None
    columns = (Column("threshold", is_text=True), *map(Column, names))
    return section("thresholds", "Thresholds", table("Thresholds of both runs", columns, rows, is_caption_hidden=True))


def _threshold(result: ThresholdResult | None) -> Element | str:
    if result is None:
        return "-"
    tone, word = threshold_state(result)
    return stated(tone, f"{measured_text(result)}, {word}")
