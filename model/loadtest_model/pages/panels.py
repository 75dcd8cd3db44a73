"""Panels of a drawing over one common axis: lines, areas and columns, each panel with its own scale.

Places along the axis are shares of the width, and heights are pixels: so a drawing is as wide as its page, and its text
keeps its size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest_model.pages.elements import Element, element, value_text
from loadtest_model.pages.scales import Scale, decades, scale_to

GUTTER: Final = 64
"""The room for the marks of the vertical axes, in pixels."""

_UNITS: Final = 1_000.0
"""The width of the stretched drawings, in their own units."""

Point = tuple[float, float | None]
"""A place along the axis as a share, and a value; None if there is none."""


@dataclass(frozen=True)
class Band:
    """Values from `low` to `high` between two places: a column if `low` is 0."""

    begin: float
    end: float
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """What a panel shows of one quantity.

    `kind` is a class of the style: the lines solid, dashed and area have points, and steps, range and columns bands.
    """

    name: str
    kind: str
    points: Sequence[Point] = ()
    bands: Sequence[Band] = ()

    @property
    def greatest(self) -> float:
        values = [value for _, value in self.points if value is not None]
        return max([*values, *(band.high for band in self.bands)], default=0.0)


@dataclass(frozen=True)
class Panel:
    """One quantity over the axis, `top` and `height` in pixels; `mark_text` names a value at the vertical axis."""

    title: str
    series: Sequence[Series]
    mark_text: Callable[[float], str]
    height: int
    intervals: int = 2
    is_logarithmic: bool = False

    @property
    def scale(self) -> tuple[Scale, tuple[float, ...]]:
        """The vertical axis, and its marks."""
        if self.is_logarithmic:
            values = [value for series in self.series for _, value in series.points if value]
            return decades(min(values), max(values))
        return scale_to(max((series.greatest for series in self.series), default=0.0), self.intervals)


def panel_drawing(panel: Panel, top: float) -> list[Element]:
    """The lines of the vertical axis and everything over it, for a drawing that is as wide as the axis."""
    scale, marks = panel.scale
    ruling = [
        element(
            "line",
            class_="rule base" if mark == marks[0] else "rule",
            x1=0,
            x2="100%",
            y1=_y(panel, top, scale, mark),
            y2=_y(panel, top, scale, mark),
        )
        for mark in marks
    ]
    stretched = element(
        "svg",
        [shape for series in panel.series for shape in _shapes(panel, scale, series)],
        x=0,
        y=top,
        width="100%",
        height=panel.height,
        viewBox=f"0 0 {_UNITS:g} {panel.height}",
        preserveAspectRatio="none",
        overflow="visible",
    )
    return [*ruling, stretched]


def panel_title(panel: Panel, y: float) -> Element:
    """The title of a panel, with the names of its lines and a sample of each."""
    samples = {"solid": "— ", "dashed": "- - "}
    keys = [series for series in panel.series if series.name]
    return element(
        "text",
        element("tspan", panel.title, class_="panel-title"),
        [element("tspan", f"{samples.get(key.kind, '')}{key.name}", class_=f"key {key.kind}", dx=12) for key in keys],
        x=0,
        y=y,
    )


def panel_marks(panel: Panel, top: float) -> list[Element]:
    """The values at the vertical axis, for a drawing that is as wide as the gutter."""
    scale, marks = panel.scale
    return [
        element(
            "text",
            panel.mark_text(mark),
            class_="mark",
            x=GUTTER - 10,
            y=_y(panel, top, scale, mark) + 4,
            text_anchor="end",
        )
        for mark in marks
    ]


def _y(panel: Panel, top: float, scale: Scale, value: float) -> float:
    return top + panel.height * (1.0 - scale.share(value))


def _shapes(panel: Panel, scale: Scale, series: Series) -> Iterator[Element]:
    def height(value: float) -> float:
        return panel.height * (1.0 - scale.share(value))

    if series.kind == "steps":
        yield element("path", class_="series steps", d="".join(_outline(band, height) for band in series.bands))
    for band in series.bands if series.kind != "steps" else ():
        width = max(0.6, (band.end - band.begin) * _UNITS - (0.8 if series.kind == "columns" else 0.0))
        yield element(
            "rect",
            class_=f"series {series.kind}",
            x=band.begin * _UNITS,
            y=height(band.high),
            width=width,
            height=max(1.0, height(band.low) - height(band.high)),
        )
    runs = list(_runs(series.points))
    if not runs:
        return
    if series.kind == "area":
        outlines = [
            f"{_line(run, height)}L{value_text(run[-1][0] * _UNITS)} {panel.height}"
            f"L{value_text(run[0][0] * _UNITS)} {panel.height}Z"
            for run in runs
        ]
        yield element("path", class_="series area-fill", d="".join(outlines))
    yield element(
        "path",
        class_=f"series line {series.kind}",
        d="".join(_line(run, height) for run in runs),
        fill="none",
        vector_effect="non-scaling-stroke",
    )


def _outline(band: Band, height: Callable[[float], float]) -> str:
    """A band as a piece of a path, so that no seam shows between it and the next one."""
    begin, end = value_text(band.begin * _UNITS), value_text(band.end * _UNITS)
    return (
        f"M{begin} {value_text(height(band.low))}V{value_text(height(band.high))}H{end}V{value_text(height(band.low))}Z"
    )


def _runs(points: Sequence[Point]) -> Iterator[list[tuple[float, float]]]:
    """The points without gaps between them."""
    run: list[tuple[float, float]] = []
    for place, value in points:
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _line(run: Sequence[tuple[float, float]], height: Callable[[float], float]) -> str:
    points = [f"{value_text(place * _UNITS)} {value_text(height(value))}" for place, value in run]
    # A line to its own beginning is a dot.
    return f"M{points[0]}L{' '.join(points[1:] or points)}"


def place_panels(panels: Sequence[Panel], top: int, title_height: int) -> tuple[list[tuple[Panel, int]], int]:
    """Panels under each other from `top` on, each below its title, with their tops; and where the last one ends."""
    placed_panels, bottom = [], top
    for panel in panels:
        placed_panels.append((panel, bottom + title_height))
        bottom += title_height + panel.height
    return placed_panels, bottom


def chart_of(drawing: Element, placed_panels: Sequence[tuple[Panel, int]], height: int) -> Element:
    """A drawing beside the marks of its panels' vertical axes."""
    marks = element(
        "svg",
        [mark for panel, top in placed_panels for mark in panel_marks(panel, top)],
        class_="marks",
        aria_hidden="true",
        width=GUTTER,
        height=height,
    )
    return element("div", marks, drawing, class_="chart")
