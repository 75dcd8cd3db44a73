"""The section on the uploads that took longest."""

from typing import Final

from loadtest_model.pages.elements import Element
from loadtest_model.pages.sections import section
from loadtest_model.pages.spread import has_fleet
from loadtest_model.pages.tables import Column, table
from loadtest_model.quantities import clip, seconds_text, span_text
from loadtest_model.report.summary import Summary

_COLUMNS: Final = (
    *(Column("response"), Column("service"), Column("started at")),
    *(Column("address", is_text=True, is_code=True), Column("outcome", is_text=True), Column("status")),
)
_LONGEST: Final = 200


def slowest_section(summary: Summary) -> Element | None:
    """The slowest uploads, with their trace ids if they have any; None if none is known."""
    if not summary.slowest:
        return None
    has_steps = len(summary.steps) > 1
    has_pods = has_fleet(summary)
    has_traces = any(upload.trace_id for upload in summary.slowest)
    columns = (
        *_COLUMNS[:3],
        *((Column("step", is_text=True),) if has_steps else ()),
        *((Column("pod"),) if has_pods else ()),
        *_COLUMNS[3:],
        *((Column("trace id", is_text=True, is_code=True),) if has_traces else ()),
    )
    rows = [
        (
            seconds_text(upload.response_seconds),
            seconds_text(upload.service_seconds),
            span_text(upload.at_seconds),
            *((upload.step,) if has_steps else ()),
            *((str(upload.pod),) if has_pods else ()),
            clip(upload.address, _LONGEST) or "-",
            clip(f"{upload.outcome}: {upload.error}" if upload.error else upload.outcome, _LONGEST),
            "-" if upload.status is None else str(upload.status),
            *((clip(upload.trace_id, _LONGEST) or "-",) if has_traces else ()),
        )
        for upload in summary.slowest
    ]
    note = (
        "The uploads that took longest after the warm-up. The start is the intended one, counted from that of its step."
    )
    return section(
        "slowest", "Slowest uploads", table("Slowest uploads", columns, rows, is_caption_hidden=True), note=note
    )
