"""The distribution of response times on an axis on which each further nine of a percentile has the same length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest_model.pages.elements import Element, element, percent
from loadtest_model.pages.panels import GUTTER, Panel, Series, panel_drawing, panel_marks
from loadtest_model.pages.scales import PercentileScale, percentile_scale, percentile_text, time_mark
from loadtest_model.quantities import seconds_text
from loadtest_model.report.details import DistributionPoint

TITLE: Final = "Distribution of the response time"
_TOP: Final = 12
_HEIGHT: Final = 190
_AXIS_HEIGHT: Final = 24
_WIDE: Final = 8
"""How many times as slow as another a distribution is for a logarithmic axis."""
_LEAST_DISTANCE: Final = 0.14
"""The share of the axis that the name of a mark needs on a narrow page."""


@dataclass(frozen=True)
class Distribution:
    """The response times of one step, or of the whole run."""

    name: str
    points: Sequence[DistributionPoint]


def percentile_chart(distributions: Sequence[Distribution]) -> Element:
    """A line for each distribution; the first five are told apart by their strokes."""
    quantiles = [point.quantile for each in distributions for point in each.points if point.quantile < 1]
    axis = percentile_scale(max(quantiles, default=0.0))
    lines = [
        Series(
            each.name, f"stroke-{number % 5}", [(axis.share(point.quantile), point.seconds) for point in each.points]
        )
        for number, each in enumerate(distributions)
    ]
    panel = Panel(TITLE, lines, time_mark, _HEIGHT, intervals=4, is_logarithmic=is_wide(distributions))
    bottom = _TOP + _HEIGHT
    drawing = element(
        "svg",
        element("title", TITLE),
        element("desc", _description(distributions)),
        _quantile_rules(axis, bottom),
        panel_drawing(panel, _TOP),
        class_="plot",
        role="img",
        aria_label=TITLE,
        width="100%",
        height=bottom + _AXIS_HEIGHT,
    )
    marks = element(
        "svg",
        panel_marks(panel, _TOP),
        class_="marks",
        aria_hidden="true",
        width=GUTTER,
        height=bottom + _AXIS_HEIGHT,
    )
    return element("div", marks, drawing, class_="chart")


def is_wide(distributions: Sequence[Distribution]) -> bool:
    """Whether the slowest distribution would hide the shape of the others on a linear axis."""
    greatest = [max(point.seconds for point in each.points) for each in distributions]
    has_zero = any(point.seconds <= 0 for each in distributions for point in each.points)
    return not has_zero and max(greatest) > _WIDE * min(greatest)


def legend(distributions: Sequence[Distribution]) -> Element | None:
    """The strokes with their names, if there are several."""
    if len(distributions) < 2:
        return None
    entries = [
        element(
            "li",
            element(
                "svg",
                element("line", class_=f"series line stroke-{number % 5}", x1=0, x2=28, y1=6, y2=6),
                width=28,
                height=12,
                aria_hidden="true",
            ),
            each.name,
        )
        for number, each in enumerate(distributions)
    ]
    return element("ul", entries, class_="legend")


def _quantile_rules(axis: PercentileScale, bottom: float) -> Iterator[Element]:
    """A line and a name at each quantile that the axis names; names without room are `tight`."""
    marks = (*axis.marks, 1.0)
    places = [axis.share(quantile) for quantile in marks]
    for number, (quantile, place) in enumerate(zip(marks, places, strict=True)):
        is_tight = quantile < 1 and places[number + 1] - place < _LEAST_DISTANCE
        yield element("line", class_="rule", x1=percent(place), x2=percent(place), y1=_TOP, y2=bottom)
        yield element(
            "text",
            percentile_text(quantile),
            class_="mark tight" if is_tight else "mark",
            x=percent(place),
            y=bottom + 18,
            text_anchor="start" if place == 0 else "end" if place == 1 else "middle",
        )


def _description(distributions: Sequence[Distribution]) -> str:
    sentences = []
    for each in distributions:
        known = {point.quantile: point.seconds for point in each.points}
        parts = [f"{percentile_text(q)} {seconds_text(known[q])}" for q in (0.5, 0.95, 0.99, 1.0) if q in known]
        sentences.append(f"{each.name}: {', '.join(parts)}.")
    return " ".join(sentences)
