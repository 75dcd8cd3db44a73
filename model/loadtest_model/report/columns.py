"""What kubectl's columns show of a test, with units. A column shows a field as it stands, so the texts are fields."""

import re
from typing import Final

from loadtest_model.quantities import short_seconds_text
from loadtest_model.report.capacity import capacity_column
from loadtest_model.report.status import Columns, Status

_PLACE: Final = re.compile(r"place (\d+(?: to \d+)?) in line")


def columns_of(status: Status) -> Columns:
    """What the columns of a status show."""
    progress = status.progress
    if progress is None:
        return Columns(progress=_way_to_the_load(status))
    p95 = progress.p95_seconds
    return Columns(
        progress=f"{int(progress.percent)}%",
        records_per_second=f"{progress.records_per_second:.0f}",
        p95="" if p95 is None else short_seconds_text(p95),
        capacity="" if status.capacity is None else capacity_column(status.capacity),
    )


def _way_to_the_load(status: Status) -> str:
    """How far a test is that does not load yet: its place in line, then its pods."""
    pods = status.pods
    place = _PLACE.match(status.message)
    if status.phase == "Queued" and place is not None:
        return f"place {place[1].replace(' to ', '-')}"
    if pods is None or not pods.desired:
        return ""
    if status.phase == "Starting":
        return f"{pods.started}/{pods.desired} started"
    if status.phase == "Verifying":
        return f"{pods.verified}/{pods.desired} verified"
    return ""
