"""Draws docs/pictures/growth.svg, what a record costs as a run grows, from bench/growth.json; --check says whether it
is up to date.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtest_model.pages.elements import Element, drawing_xml, element
from tools.committed_files import REPOSITORY, write_or_check

FILE: Final = REPOSITORY / "docs" / "pictures" / "growth.svg"
DATA: Final = REPOSITORY / "bench" / "growth.json"

_WIDTH, _HEIGHT = 960, 560
_CHART_WIDTH, _CHART_HEIGHT = 370, 150
_LEFTS: Final = (70, 550)
_TOPS: Final = (76, 346)
_STYLE: Final = """
svg { --page: #ffffff; --text: #16191d; --quiet: #57606b; --rule: #e3e6ea; --first: #1f5fd0; --second: #b0480c; }
@media (prefers-color-scheme: dark) {
  svg { --page: #0e1116; --text: #e8ebef; --quiet: #9ca6b2; --rule: #232a33; --first: #6ea4ff; --second: #f0935a; }
}
text { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  font-size: 12px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
.title { font-size: 14px; font-weight: 600; fill: var(--text); }
.page { fill: var(--page); stroke: var(--rule); }
.rule { stroke: var(--rule); }
.first { stroke: var(--first); fill: none; stroke-width: 2; }
.second { stroke: var(--second); fill: none; stroke-width: 2; }
.first-word { fill: var(--first); }
.second-word { fill: var(--second); }
.first-point { fill: var(--first); }
.second-point { fill: var(--second); }
"""


@dataclass(frozen=True)
class Curve:
    """One quantity: its name in the key, and points along the axis."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """One or two curves over an axis; both axes are logarithmic, or both are not."""

    title: str
    axis: str
    curves: Sequence[Curve]
    is_logarithmic: bool = True


def charts(data: dict[str, Any]) -> tuple[Chart, ...]:
    def curve(name: str, key: str, quantity: str) -> Curve:
        return Curve(name, [(point["x"], point[quantity]) for point in data[key]])

    cost, memory = "cpu_seconds_per_million", "megabytes"
    return (
        Chart(
            "CPU seconds per million records",
            "rows a batch, 10 virtual users",
            [curve("CSV", "csv_rows", cost), curve("XLSX", "xlsx_rows", cost)],
        ),
        Chart("Memory of a pod, MB", "virtual users, 10,000 rows a batch", [curve("CSV", "users", memory)]),
        Chart(
            "CPU seconds per million records",
            "seconds of a run, 10 virtual users, 10,000 rows a batch",
            [curve("CSV", "run_length", cost)],
            is_logarithmic=False,
        ),
        Chart(
            "Milliseconds of one look by the operator", "pods", [curve("reading and merging", "pods", "milliseconds")]
        ),
    )


def drawing(data: dict[str, Any]) -> str:
    """The picture of all charts."""
    places = [(left, top) for top in _TOPS for left in _LEFTS]
    return drawing_xml(
        _WIDTH,
        _HEIGHT,
        element("title", "What a record costs as a run grows: by rows, virtual users, run length and pods"),
        element("style", _STYLE),
        element("rect", class_="page", x=0.5, y=0.5, width=_WIDTH - 1, height=_HEIGHT - 1, rx=12),
        [_chart(chart, left, top) for chart, (left, top) in zip(charts(data), places, strict=True)],
    )


def _chart(chart: Chart, left: float, top: float) -> Element:
    points = [point for curve in chart.curves for point in curve.points]
    x_marks = _marks([x for x, _ in points], is_logarithmic=chart.is_logarithmic)
    y_marks = _marks([y for _, y in points], is_logarithmic=chart.is_logarithmic)
    bottom = top + _CHART_HEIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        along = _share(x, x_marks, is_logarithmic=chart.is_logarithmic)
        up = _share(y, y_marks, is_logarithmic=chart.is_logarithmic)
        return left + along * _CHART_WIDTH, bottom - up * _CHART_HEIGHT

    def frame() -> Iterator[Element]:
        yield _text(chart.title, left, top - 34, "title")
        for mark in y_marks:
            _, y = place(x_marks[0], mark)
            yield element("line", class_="rule", x1=left, x2=left + _CHART_WIDTH, y1=y, y2=y)
            yield _text(f"{mark:,g}", left - 8, y + 4, anchor="end")
        for mark in x_marks:
            x, _ = place(mark, y_marks[0])
            yield _text(f"{mark:,g}", x, bottom + 18, anchor="middle")
        yield _text(chart.axis, left + _CHART_WIDTH / 2, bottom + 38, anchor="middle")

    def line(curve: Curve, style: str, number: int) -> Iterator[Element]:
        places = [place(x, y) for x, y in curve.points]
        path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield element("path", class_=style, d=path)
        yield from (element("circle", class_=f"{style}-point", cx=x, cy=y, r=3) for x, y in places)
        yield _text(curve.name, left + number * 60, top - 14, f"{style}-word")

    lines = [line(curve, style, number) for number, (curve, style) in enumerate(_styled(chart.curves))]
    return element("g", frame(), *lines)


def _styled(curves: Sequence[Curve]) -> Iterator[tuple[Curve, str]]:
    return zip(curves, ("first", "second")[: len(curves)], strict=True)


def _text(text: str, x: float, y: float, style: str | None = None, anchor: str | None = None) -> Element:
    return element("text", text, x=x, y=y, class_=style, text_anchor=anchor)


def _marks(values: Sequence[float], *, is_logarithmic: bool) -> list[float]:
    """The marks of an axis, whose first and last are its ends."""
    if is_logarithmic:
        first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return [10.0**exponent for exponent in range(first, max(last, first + 1) + 1)]
    greatest = max(values)
    decade = 10.0 ** math.floor(math.log10(greatest))
    step = next(decade * part for part in (0.2, 0.5, 1, 2) if greatest / (decade * part) <= 6)
    return [step * number for number in range(math.ceil(greatest / step) + 1)]


def _share(value: float, marks: Sequence[float], *, is_logarithmic: bool) -> float:
    if is_logarithmic:
        value, first, last = (math.log10(each) for each in (value, marks[0], marks[-1]))
        return (value - first) / (last - first)
    return value / marks[-1]


def main() -> int:
    return write_or_check(FILE, drawing(json.loads(DATA.read_text("utf-8"))), "bench/growth.json")


if __name__ == "__main__":
    sys.exit(main())
