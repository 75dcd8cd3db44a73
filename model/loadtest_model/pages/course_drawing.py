"""The drawing of the course of a run: panels under each other over one axis of time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from loadtest_model.pages.course_bins import Course, CourseBin
from loadtest_model.pages.elements import Element, element, percent
from loadtest_model.pages.panels import Band, Panel, Point, Series, chart_of, panel_drawing, panel_title, place_panels
from loadtest_model.pages.scales import Scale, time_mark, time_marks
from loadtest_model.quantities import count_text, seconds_text, span_text
from loadtest_model.report.summary import StepSummary

TITLE: Final = "Course of the run"
TITLE_HEIGHT: Final = 34
_LABELS_HEIGHT: Final = 16
AXIS_HEIGHT: Final = 24
_NARROWEST_LABEL: Final = 0.055
"""The share of the axis from which on a plateau has room for its name."""
_WIDE_LABEL: Final = 0.2
"""The share from which on a step has room for its name on a narrow page."""


def course_drawing(steps: Sequence[StepSummary], course: Course) -> Element:
    """Response times, throughput, users and errors, with the steps and plateaus and the marks of time."""
    panels, axis = course_panels(course), Scale(0.0, course.seconds)
    names_steps = len(steps) > 1
    placed_panels, bottom = place_panels(panels, _LABELS_HEIGHT * (2 if names_steps else 1), TITLE_HEIGHT)
    height = bottom + AXIS_HEIGHT
    drawing = element(
        "svg",
        element("title", TITLE),
        element("desc", _description(course)),
        _plateaus(steps, course, axis, _LABELS_HEIGHT if names_steps else 0, bottom),
        [shape for panel, top in placed_panels for shape in panel_drawing(panel, top)],
        [panel_title(panel, top - 11) for panel, top in placed_panels],
        _step_borders(steps, course, axis, bottom) if names_steps else None,
        time_axis(axis, bottom),
        element("g", [_readout(each, axis, bottom) for each in course.bins], class_="readouts"),
        class_="plot",
        role="img",
        aria_label=TITLE,
        width="100%",
        height=height,
    )
    return chart_of(drawing, placed_panels, height)


def course_panels(course: Course) -> tuple[Panel, ...]:
    """What is drawn, from top to bottom."""

    def line(value_of: Callable[[CourseBin], float | None]) -> list[Point]:
        values = [value_of(each) for each in course.bins]
        points: list[Point] = []
        for each, before, value, after in zip(course.bins, (None, *values), values, (*values[1:], None), strict=False):
            # What stands alone is as long as its piece, for a point would not be seen.
            is_alone = value is not None and before is None and after is None
            places = (each.offset, each.end) if is_alone else (each.middle,)
            points += [(place / course.seconds, value) for place in places]
        return points

    def columns(
        low_of: Callable[[CourseBin], float | None], high_of: Callable[[CourseBin], float | None]
    ) -> list[Band]:
        ends = [(each, low_of(each), high_of(each)) for each in course.bins]
        return [
            Band(each.offset / course.seconds, each.end / course.seconds, low, high)
            for each, low, high in ends
            if low is not None and high
        ]

    times = [Series("avg", "dashed", line(lambda each: each.avg))]
    if any(each.p95_high is not None for each in course.bins):
        times.insert(0, Series("p95", "solid", line(lambda each: each.p95_high)))
    if course.is_condensed:
        times.insert(0, Series("", "range", bands=columns(lambda each: each.p95_low, lambda each: each.p95_high)))
    throughput = Series("", "area", line(lambda each: each.records_per_second))
    users = Series("", "steps", bands=columns(lambda _: 0.0, lambda each: each.virtual_users))
    has_errors = any(each.error_count for each in course.bins)
    errors = Series(
        "" if has_errors else "none", "columns", bands=columns(lambda _: 0.0, lambda each: each.error_count)
    )
    return (
        Panel("Response time", times, time_mark, 150, intervals=3),
        Panel("Records answered per second", [throughput], number_mark(throughput.greatest), 92),
        Panel("Virtual users", [users], number_mark(users.greatest), 52, intervals=1),
        Panel("Errors", [errors], number_mark(errors.greatest), 52 if has_errors else 10, intervals=1),
    )


def number_mark(greatest: float) -> Callable[[float], str]:
    """How the numbers of an axis are written that reaches up to this value: `450`, `60k`, `1.5M`."""
    divisor, unit = next(each for each in ((1e6, "M"), (1e3, "k"), (1.0, "")) if greatest >= 5 * each[0] or not each[1])
    return lambda value: "0" if value == 0 else f"{value / divisor:,.10g}{unit}"


def _plateaus(
    steps: Sequence[StepSummary], course: Course, axis: Scale, top: float, bottom: float
) -> Iterator[Element]:
    for step in steps:
        offset = course.step_offset(step.name)
        if offset is None:
            continue
        for plateau in step.plateaus:
            begin, end = axis.share(offset + plateau.first), axis.share(offset + plateau.end)
            yield element(
                "rect", class_="plateau", x=percent(begin), width=percent(end - begin), y=top, height=bottom - top
            )
            if end - begin >= _NARROWEST_LABEL:
                yield element(
                    "text",
                    _level_text(plateau.level, plateau.unit),
                    class_="plateau-label",
                    x=percent(begin),
                    dx=6,
                    y=top + 13,
                )


def _level_text(level: float, unit: str) -> str:
    short_unit = {"virtual users": "VU" if level == 1 else "VUs"}.get(unit, unit)
    return f"{level:g} {short_unit}"


def _step_borders(steps: Sequence[StepSummary], course: Course, axis: Scale, bottom: float) -> Iterator[Element]:
    for step in steps:
        bins = [each for each in course.bins if each.step == step.name]
        if not bins:
            continue
        begin, end = axis.share(bins[0].offset), axis.share(bins[-1].end)
        style = "step-label" if end - begin >= _WIDE_LABEL else "step-label tight"
        yield element("line", class_="border", x1=percent(begin), x2=percent(begin), y1=0, y2=bottom)
        yield element("text", step.name, class_=style, x=percent(begin), dx=6, y=11)


def time_axis(axis: Scale, y: float) -> Iterator[Element]:
    """The marks of time under the panels."""
    for mark in time_marks(axis.high):
        place = axis.share(mark)
        anchor = "start" if mark == 0 else "end" if place > 0.96 else "middle"
        yield element("line", class_="tick", x1=percent(place), x2=percent(place), y1=y, y2=y + 5)
        yield element("text", span_text(mark), class_="mark", x=percent(place), y=y + 18, text_anchor=anchor)


def _readout(each: CourseBin, axis: Scale, bottom: float) -> Element:
    """A column over the whole height that tells its figures where the pointer rests on it."""
    times = f"avg {seconds_text(each.avg)}"
    if each.p95_high is not None:
        times = f"p95 {seconds_text(each.p95_high)}, {times}"
    text = (
        f"{span_text(each.offset)}: {times}, {each.records_per_second:,.0f} records/s,"
        f" {count_text(each.virtual_users, 'user')}, {count_text(each.error_count, 'error')}"
    )
    begin, end = axis.share(each.offset), axis.share(each.end)
    return element(
        "rect",
        element("title", text),
        x=percent(begin),
        width=percent(end - begin),
        y=0,
        height=bottom,
    )


def _description(course: Course) -> str:
    p95s = [each.p95_high for each in course.bins if each.p95_high is not None]
    averages = [each.avg for each in course.bins if each.avg is not None]
    name, values = ("95th percentile", p95s) if p95s else ("average", averages)
    times = f"the {name} of the response time is at most {seconds_text(max(values))}, " if values else ""
    rate = max((each.records_per_second for each in course.bins), default=0.0)
    users = max((each.virtual_users for each in course.bins), default=0)
    errors = sum(each.error_count for each in course.bins)
    return (
        f"Over {span_text(course.measured_seconds)}, {times}at most {rate:,.0f} records are answered a second, up to"
        f" {count_text(users, 'virtual user')} {'is' if users == 1 else 'are'} at work, and"
        f" {count_text(errors, 'error')} {'is' if errors == 1 else 'are'} counted."
        " The table below has the figures."
    )
