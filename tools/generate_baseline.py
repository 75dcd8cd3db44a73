"""Writes the rates in docs/baseline.md that bench/baseline.py measured; with --check says whether they are the same."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "baseline.md"
RATES: Final = REPOSITORY / "bench" / "baseline_rates.json"

Json = dict[str, Any]


def document(current: str, rates: Json) -> str:
    """The document with its tables written anew. Raises ValueError if it has no place for them."""
    rows = rates["rows"]
    tables = [
        "\n".join(_table(threshold, [row for row in rows if row["threshold"] == threshold]))
        for threshold in dict.fromkeys(row["threshold"] for row in rows)
    ]
    introduction = (
        f"{rates['comparisons']} comparisons for each rate, with {rates['runs_of_each_target']} runs of each target:"
        f" {rates['duration']} with {rates['virtual_users']} virtual users and a median response time of"
        f" {rates['median_seconds'] * 1000:g} ms."
    )
    return replace_section(current, "rates", "\n".join(("", introduction, "", "\n\n".join(tables), "")), FILE)


def _table(threshold: str, rows: list[Json]) -> Iterator[str]:
    slowdowns = list(rows[0]["breached"])
    headings = " | ".join(f"{float(slowdown):.0%} slower" for slowdown in slowdowns)
    yield f"How often `{threshold}` was breached:"
    yield ""
    yield f"| runs differ by | earlier runs | {headings} |"
    yield f"|{'---|' * (2 + len(slowdowns))}"
    for row in rows:
        shares = " | ".join(f"{row['breached'][slowdown]:.1%}" for slowdown in slowdowns)
        yield f"| {row['run_spread']:.0%} | {row['runs']} | {shares} |"


def main() -> int:
    text = document(FILE.read_text(), json.loads(RATES.read_text()))
    return write_or_check(FILE, text, "the rates")


if __name__ == "__main__":
    sys.exit(main())
