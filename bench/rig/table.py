"""The figures as a document's tables."""

from collections.abc import Mapping
from typing import Any

from bench.rig.measuring import Run

_HEAD = (
    "| client | records/s | uploads/s | MB/s | CPU s per million records | of its core | memory, MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|\n"
)


def markdown(about: Mapping[str, Any], results: Mapping[str, Mapping[str, Run]]) -> str:
    """Every row of work as a table, under a line that says where the figures come from."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    origin = (
        f"Measured on {about['date']}: {about['machine']}, Python {about['python']}; {versions}. Medians of"
        f" {about['rounds']} rounds of {about['seconds_a_round']:g} s.\n"
    )
    return origin + "".join(f"\n### {title}\n\n{_HEAD}{_lines(clients)}" for title, clients in results.items())


def _lines(clients: Mapping[str, Run]) -> str:
    return "".join(f"| {name} | {_cells(run)} |\n" for name, run in clients.items())


def _cells(run: Run) -> str:
    return " | ".join(
        (
            f"{run.records_per_second:,.0f}",
            f"{run.uploads_per_second:,.0f}",
            f"{run.bytes_per_second / 1e6:,.0f}",
            f"{run.cpu_seconds_per_million_records:.3f}",
            f"{run.busy:.0%}",
            f"{run.resident_bytes / 1e6:,.0f}",
        )
    )
