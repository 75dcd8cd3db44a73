"""The section on the distribution of response times, and on the parts of an upload's time."""

from collections.abc import Iterator
from typing import Final

from loadtest_model.pages.elements import Element, element
from loadtest_model.pages.percentile_chart import Distribution, is_wide, legend, percentile_chart
from loadtest_model.pages.scales import percentile_text
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, figures_behind, table
from loadtest_model.quantities import count_text, seconds_text
from loadtest_model.report.details import DistributionPoint
from loadtest_model.report.figures import PartsTimes, Times
from loadtest_model.report.summary import StepSummary, Summary

_PART_COLUMNS: Final = (
    *(Column("part", is_text=True), Column("uploads"), Column("avg"), Column("p50"), Column("p90"), Column("p95")),
    *(Column("p99"), Column("max")),
)
_PART_NAMES: Final = {
    "connect": "connecting",
    "upload": "sending the body",
    "wait": "waiting for the answer",
    "database": "of this, the target's database",
}


def distribution_section(summary: Summary) -> Element | None:
    """How response times are distributed, and where the time went; None if nothing was measured."""
    if not summary.response_time_seconds.samples:
        return None
    distributions = _distributions(summary)
    children: list[Element] = []
    if distributions:
        marks = list(dict.fromkeys(point.quantile for each in distributions for point in each.points))
        rows = [
            (percentile_text(quantile), *(_seconds_at(each, quantile) for each in distributions))
            for quantile in sorted(marks)
        ]
        columns = (Column("quantile"), *(Column(each.name) for each in distributions))
        chart = [
            percentile_chart(distributions),
            legend(distributions),
            element("figcaption", _caption(summary, distributions)),
        ]
        children += [element("figure", *chart), figures_behind("Quantiles of the response time", columns, rows)]
    children.append(_parts_table(summary))
    return section("distribution", "Distribution of the response time", children)


def _distributions(summary: Summary) -> list[Distribution]:
    if len(summary.steps) > 1:
        steps = [Distribution(step.name, step.distribution) for step in summary.steps if step.distribution]
        if steps:
            return steps
    points = summary.distribution or _known_points(summary.response_time_seconds)
    return [Distribution("Response time", points)] if len(points) > 1 else []


def _known_points(times: Times) -> tuple[DistributionPoint, ...]:
    """The few quantiles that every summary has, for one that has no more."""
    quantiles = ((0.5, times.p50), (0.9, times.p90), (0.95, times.p95), (0.99, times.p99), (1.0, times.max))
    return tuple(DistributionPoint(quantile=q, seconds=seconds) for q, seconds in quantiles if seconds is not None)


def _seconds_at(distribution: Distribution, quantile: float) -> str:
    return next((seconds_text(each.seconds) for each in distribution.points if each.quantile == quantile), "-")


def _caption(summary: Summary, distributions: list[Distribution]) -> str:
    times = summary.response_time_seconds
    text = (
        f"{count_text(times.samples, 'upload')}. Each further nine has the same length, so the slowest uploads can be"
        " seen: p99 is the time that 99 of 100 uploads did not exceed."
    )
    if is_wide(distributions):
        text += " The vertical axis is logarithmic."
    if times.censored:
        text += f" {count_text(times.censored, 'upload')} cut by the test stand at their age."
    return text


def _parts_table(summary: Summary) -> Element:
    has_steps = len(summary.steps) > 1
    columns = (Column("step", is_text=True), *_PART_COLUMNS) if has_steps else _PART_COLUMNS
    rows = [
        (step.name, *row) if has_steps else row
        for step in summary.steps
        if step.response_time_seconds.samples
        for row in _parts(step)
    ]
    return table("Where the time went", columns, rows)


def _parts(step: StepSummary) -> Iterator[tuple[str, ...]]:
    for name, times in (("response time", step.response_time_seconds), ("service time", step.service_time_seconds)):
        figures = (seconds_text(getattr(times, figure)) for figure in ("avg", "p50", "p90", "p95", "p99", "max"))
        yield name, f"{times.samples:,}", *figures
    for name in PartsTimes.__struct_fields__:
        part = getattr(step.parts_seconds, name)
        if part.uploads:
            blanks = ("",) * 4
            yield _PART_NAMES[name], f"{part.uploads:,}", seconds_text(part.avg), *blanks, seconds_text(part.max)
