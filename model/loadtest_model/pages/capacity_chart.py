"""Response time and throughput over the load of a climb, with the limit and the knee marked."""

from collections.abc import Iterator, Sequence
from typing import Final

from loadtest_model.pages.elements import Element, element, percent
from loadtest_model.pages.panels import Panel, Series, chart_of, panel_drawing, panel_title, place_panels
from loadtest_model.pages.scales import Scale, time_mark
from loadtest_model.plan.climb import load_text
from loadtest_model.quantities import seconds_text
from loadtest_model.report.capacity import CapacityPlateau, CapacitySummary

TITLE: Final = "Response time and throughput over the load"
_LABELS_HEIGHT: Final = 20
_TITLE_HEIGHT: Final = 30
_AXIS_HEIGHT: Final = 24
_LEAST_DISTANCE: Final = 0.06
"""The share of the axis that a mark needs."""


def capacity_chart(capacity: CapacitySummary) -> Element:
    """Two panels over a logarithmic axis of the load, for at least two plateaus."""
    plateaus = capacity.plateaus
    axis = Scale(plateaus[0].load, plateaus[-1].load, is_logarithmic=True)
    panels = capacity_panels(plateaus, axis)
    placed_panels, bottom = place_panels(panels, _LABELS_HEIGHT, _TITLE_HEIGHT)
    height = bottom + _AXIS_HEIGHT
    drawing = element(
        "svg",
        element("title", TITLE),
        element("desc", _description(capacity)),
        [shape for panel, top in placed_panels for shape in panel_drawing(panel, top)],
        [panel_title(panel, top - 11) for panel, top in placed_panels],
        _landmarks(capacity, axis, bottom),
        _load_axis(plateaus, axis, bottom),
        class_="plot",
        role="img",
        aria_label=TITLE,
        width="100%",
        height=height,
    )
    return chart_of(drawing, placed_panels, height)


def capacity_panels(plateaus: Sequence[CapacityPlateau], axis: Scale) -> tuple[Panel, ...]:
    """What is drawn, from top to bottom."""
    places = [axis.share(plateau.load) for plateau in plateaus]
    times = [plateau.response_time_seconds for plateau in plateaus]
    p95 = Series("p95", "solid", list(zip(places, [each.p95 for each in times], strict=True)))
    average = Series("avg", "dashed", list(zip(places, [each.avg for each in times], strict=True)))
    rates = [plateau.uploads_per_second for plateau in plateaus]
    return (
        Panel("Response time", [p95, average], time_mark, 150, intervals=3),
        Panel(
            "Uploads confirmed per second", [Series("", "area", list(zip(places, rates, strict=True)))], _rate_mark, 120
        ),
    )


def _rate_mark(value: float) -> str:
    return f"{value:,.6g}"


def landmarks(capacity: CapacitySummary) -> dict[float, str]:
    """The loads that are marked, with their names; what lies at one load is named together."""
    limit = capacity.plateaus[-1].load if capacity.limited_by is not None and not capacity.at_least else None
    names: dict[float, list[str]] = {}
    for load, name in (
        (capacity.knee, "knee"),
        (capacity.held, "highest that held"),
        (capacity.required, "required"),
        (limit, "limit"),
    ):
        if load is not None:
            names.setdefault(load, []).append(name)
    return {load: ", ".join(each) for load, each in sorted(names.items())}


def _landmarks(capacity: CapacitySummary, axis: Scale, bottom: float) -> Iterator[Element]:
    for number, (load, name) in enumerate(landmarks(capacity).items()):
        if not axis.low <= load <= axis.high:
            continue
        place = axis.share(load)
        anchor = "start" if place < 0.5 else "end"
        yield element("line", class_="border", x1=percent(place), x2=percent(place), y1=0, y2=bottom)
        # Neighbours take turns in two rows, so that their names do not lie upon each other.
        yield element(
            "text",
            name,
            class_="step-label",
            x=percent(place),
            dx=6 if anchor == "start" else -6,
            y=11 + 14 * (number % 2),
            text_anchor=anchor,
        )


def _load_axis(plateaus: Sequence[CapacityPlateau], axis: Scale, y: float) -> Iterator[Element]:
    before = -1.0
    for plateau in plateaus:
        place = axis.share(plateau.load)
        yield element("line", class_="tick", x1=percent(place), x2=percent(place), y1=y, y2=y + 5)
        if place - before < _LEAST_DISTANCE:
            continue
        before = place
        anchor = "start" if place == 0 else "end" if place > 0.96 else "middle"
        yield element("text", f"{plateau.load:g}", class_="mark", x=percent(place), y=y + 18, text_anchor=anchor)


def _description(capacity: CapacitySummary) -> str:
    first, last = capacity.plateaus[0], capacity.plateaus[-1]
    figures = [
        f"at {load_text(each.load, capacity.by)} the p95 is {seconds_text(each.response_time_seconds.p95)} with"
        f" {each.uploads_per_second:,.4g} uploads a second"
        for each in (first, last)
    ]
    marked = "; ".join(f"{name}: {load_text(load, capacity.by)}" for load, name in landmarks(capacity).items())
    return (
        f"{figures[0][:1].upper()}{figures[0][1:]}, and {figures[1]}. Marked are {marked}. The table has the figures."
    )
