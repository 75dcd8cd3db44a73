"""The section on what a climb came to: how much the target can take."""

from typing import Final

from msgspec import structs

from loadtest_model.judgement.capacity import KNEE_SHARE
from loadtest_model.judgement.climb import PlateauState
from loadtest_model.pages.capacity_chart import capacity_chart
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, table
from loadtest_model.quantities import seconds_text
from loadtest_model.report.capacity import CapacityPlateau, capacity_lines
from loadtest_model.report.summary import Summary
from loadtest_model.spec.capacity import ClimbBy

_STATES: Final = {
    PlateauState.HELD: "held",
    PlateauState.NOT_HELD: "did not hold",
    PlateauState.IN_DOUBT: "in doubt",
    PlateauState.TOO_FEW_SAMPLES: "too few uploads",
    PlateauState.UNSTEADY: "not steady",
    PlateauState.UNSETTLED: "not answered in time",
    PlateauState.UNFINISHED: "cut short",
}
_FIGURES: Final = (
    *(Column("plateau", is_text=True), Column("uploads"), Column("errors"), Column("uploads/s"), Column("records/s")),
    *(Column("avg"), Column("p50"), Column("p95"), Column("p99"), Column("max")),
)


def capacity_section(summary: Summary, *, is_final: bool = True) -> Element | None:
    """The highest load that held, what limited it and the knee, over the load; None of a test that did not climb.

    While the climb goes on, it has the plateaus that are over and concludes nothing from them.
    """
    capacity = summary.capacity
    if capacity is not None and not is_final:
        over = tuple(plateau for plateau in capacity.plateaus if plateau.state is not PlateauState.UNFINISHED)
        capacity = structs.replace(capacity, plateaus=over, held=None, limited_by=None, knee=None)
    if capacity is None or not capacity.plateaus:
        return None
    unit = "virtual users" if capacity.by is ClimbBy.VIRTUAL_USERS else "uploads/s due"
    conclusions = capacity_lines(capacity) if is_final else ()
    lines = element("ul", [element("li", sentence(line)) for line in conclusions], class_="remarks")
    chart = None
    if len(capacity.plateaus) > 1:
        caption = (
            f"The axis has the load of each plateau, in {unit}. The knee is the load from which on throughput grew by"
            f" less than {KNEE_SHARE:.0%} of what the load grew."
        )
        chart = element("figure", capacity_chart(capacity), element("figcaption", caption))
    rows = [_row(plateau) for plateau in capacity.plateaus]
    figures = table("Plateaus of the climb", (Column(unit), *_FIGURES), rows, is_caption_hidden=True)
    title = "How much it can take" if is_final else "How much it can take, so far"
    return section("capacity", title, lines if conclusions else None, chart, figures)


def _row(plateau: CapacityPlateau) -> tuple[str, ...]:
    times = plateau.response_time_seconds
    return (
        f"{plateau.load:g}",
        _STATES[plateau.state],
        f"{plateau.uploads:,}",
        "-" if plateau.error_rate is None else f"{plateau.error_rate:.2%}",
        f"{plateau.uploads_per_second:,.4g}",
        f"{plateau.records_per_second:,.0f}",
        *(seconds_text(getattr(times, name)) for name in ("avg", "p50", "p95", "p99", "max")),
    )
