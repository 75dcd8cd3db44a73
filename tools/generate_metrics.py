"""Writes the table of metrics in docs/thresholds.md; with --check says whether it is up to date."""

import sys
from typing import Final

from loadtest_model.thresholds.metrics import METRICS, Metric, Unit
from loadtest_model.thresholds.mistakes import LOWER_ON_BASELINE, UPPER_ON_BASELINE
from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "thresholds.md"
_UNITS: Final[dict[Unit, str]] = {
    "seconds": "a time: `ms`, `s` or `m`",
    "ratio": "a share: `1%` or `0.01`",
    "count": "a number",
}


def document(current: str) -> str:
    """The document with its table written anew. Raises ValueError if it has no place for it."""
    rows = (
        f"| `{name}` | {_UNITS[metric.unit]} | {_signs(metric)} | {_baseline(name)} | {metric.description} |"
        for name, metric in METRICS.items()
    )
    table = "\n".join(("\n| metric | bound | sign | on the baseline | meaning |", "|---|---|---|---|---|", *rows))
    return replace_section(current, "metrics", f"{table}\n", FILE)


def _baseline(name: str) -> str:
    """The form of a bound on earlier runs; empty if there is none."""
    if name in UPPER_ON_BASELINE:
        return "`< baseline + 10%`"
    return "`> baseline - 10%`" if name in LOWER_ON_BASELINE else ""


def _signs(metric: Metric) -> str:
    if metric.unit == "seconds" or metric.only_bound == "upper":
        return "`<` `<=`"
    return "`>` `>=`" if metric.only_bound == "lower" else "all four"


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the metrics")


if __name__ == "__main__":
    sys.exit(main())
