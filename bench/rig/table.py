"""Figures of measurements as tables of a document. The measurements are those that are written as JSON."""

import statistics
from collections.abc import Iterable, Iterator
from typing import Any, Final

Json = dict[str, Any]

COST: Final = "cpu_seconds_per_million_records"
PERCENTILES: Final = ("p50", "p95", "p99")

_UPLOADS_HEAD: Final = (
    "| client | records/s | uploads/s | MB/s | CPU s per million records | all rounds | of its core | memory, MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|\n"
)
_TIMES_HEAD: Final = (
    "| model | client | uploads | p50, ms: reported | recorded "
    "| p95: reported | recorded | p99: reported | recorded |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
)


def origin(measurement: Json) -> str:
    """When, where and with what was measured."""
    versions = "".join(f", {name} {version}" for name, version in measurement.get("versions", {}).items())
    return f"Measured on {measurement['date']}: {measurement['machine']}, Python {measurement['python']}{versions}."


def median(rounds: Iterable[Json], figure: str) -> float:
    return float(statistics.median(each[figure] for each in rounds))


def upload_tables(measurement: Json, heading: str = "###") -> str:
    """Every work as a table under a heading, with the median of each figure by itself."""
    return "\n".join(
        f"{heading} {work['title']}\n\n{_UPLOADS_HEAD}{''.join(_upload_lines(work['clients']))}"
        for work in measurement["work"].values()
    )


def times_table(measurement: Json) -> str:
    """What each client reports of the times of its uploads, beside what the target recorded."""
    lines = []
    for each in measurement["clients"]:
        cells = [f"{each[who][name] * 1e3:,.0f}" for name in PERCENTILES for who in ("reported", "recorded")]
        lines.append(f"| {each['model']} | {each['client']} | {each['uploads']:,} | {' | '.join(cells)} |\n")
    return _TIMES_HEAD + "".join(lines)


def _upload_lines(clients: dict[str, list[Json]]) -> Iterator[str]:
    for name, rounds in clients.items():
        costs = [each[COST] for each in rounds]
        cells = (
            f"{median(rounds, 'records_per_second'):,.0f}",
            f"{median(rounds, 'uploads_per_second'):,.0f}",
            f"{median(rounds, 'bytes_per_second') / 1e6:,.0f}",
            f"{statistics.median(costs):.3f}",
            f"{min(costs):.3f} to {max(costs):.3f}",
            f"{median(rounds, 'busy'):.0%}",
            f"{median(rounds, 'resident_bytes') / 1e6:,.0f}",
        )
        yield f"| {name} | {' | '.join(cells)} |\n"
