"""The sections that compare pieces of a run: its steps, and its plateaus at one level of load."""

from typing import Final

from loadtest_model.pages.elements import Element
from loadtest_model.pages.icons import HEALTH_TONES, VERDICT_TONES, stated
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, Row, table
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.details import PlateauSummary
from loadtest_model.report.summary import Summary

_TIME_COLUMNS: Final = (Column("avg"), Column("p50"), Column("p95"), Column("p99"), Column("max"))
_TIMES: Final = ("avg", "p50", "p95", "p99", "max")
_PLATEAU_COLUMNS: Final = (
    *(Column("level", is_text=True), Column("time"), Column("uploads"), Column("errors"), Column("records/s")),
    *_TIME_COLUMNS,
)
_VERDICT_COLUMN: Final = Column("verdict", is_text=True)
_STEP_COLUMNS: Final = (
    *(Column("step", is_text=True), _VERDICT_COLUMN, Column("health", is_text=True), Column("users")),
    *(Column("batch"), Column("load"), Column("uploads"), Column("errors"), Column("records/s"), *_TIME_COLUMNS),
)


def steps_section(summary: Summary, *, is_final: bool = True) -> Element | None:
    """All steps beside each other; None if there is only one. While the run goes on, no step has a verdict."""
    if len(summary.steps) < 2:
        return None
    columns = _STEP_COLUMNS if is_final else tuple(each for each in _STEP_COLUMNS if each != _VERDICT_COLUMN)
    rows: list[Row] = [
        (
            step.name,
            *([stated(VERDICT_TONES[step.verdict], str(step.verdict))] if is_final else ()),
            stated(HEALTH_TONES[step.health.level], str(step.health.level)) if step.health else "-",
            f"{step.virtual_users:,}",
            f"{step.batch_size:,}",
            span_text(step.load_seconds),
            f"{step.requests.due:,}",
            _share_text(step.error_rate),
            f"{step.throughput.records_per_second:,.0f}",
            *(seconds_text(getattr(step.response_time_seconds, name)) for name in _TIMES),
        )
        for step in summary.steps
    ]
    return section("steps", "Steps", table("Steps of the test", columns, rows, is_caption_hidden=True))


def plateaus_section(summary: Summary) -> Element | None:
    """The figures of each plateau; None if the load had none."""
    has_steps = len(summary.steps) > 1
    rows = [
        ((step.name,) if has_steps else ()) + _plateau_row(plateau)
        for step in summary.steps
        for plateau in step.plateaus
    ]
    if not rows:
        return None
    columns = (Column("step", is_text=True), *_PLATEAU_COLUMNS) if has_steps else _PLATEAU_COLUMNS
    note = "Each plateau is a piece of the load at one level, without the warm-up."
    return section("plateaus", "Plateaus", table("Plateaus", columns, rows, is_caption_hidden=True), note=note)


def _plateau_row(plateau: PlateauSummary) -> tuple[str, ...]:
    return (
        level_text(plateau.level, plateau.unit),
        f"{span_text(plateau.first)} to {span_text(plateau.end)}",
        f"{plateau.requests.due:,}",
        _share_text(plateau.error_rate),
        f"{plateau.records_per_second:,.0f}",
        *(seconds_text(getattr(plateau.response_time_seconds, name)) for name in _TIMES),
    )


def level_text(level: float, unit: str) -> str:
    """A level of load in words."""
    return f"{level:g} {unit.removesuffix('s') if level == 1 and unit == 'virtual users' else unit}"


def _share_text(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
