"""What a run came to, as an object of the cluster."""

import base64
import gzip
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.pages.report_page import report_page
from loadtest_model.plan import Plan
from loadtest_model.report.junit import junit_xml
from loadtest_model.report.labels import VERDICT_LABEL
from loadtest_model.report.markdown import summary_markdown
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import each_series_row, series_rows, time_series_parts
from loadtest_operator.manifests.common import NO_LABELS, Json, metadata

BUDGET_BYTES: Final = 900 * 1024
"""What the contents of one ConfigMap may have: the API server takes 1 MiB, and etcd 1.5 MiB with all that is around."""

PLAIN_SERIES_LIMIT_BYTES: Final = 131_072

REPORT_KEY: Final = "report.html.gz"

ROW_SECONDS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3_600)
"""How many seconds a row of the time series may stand for, the finest first: 30 days in hours always fit."""

REPORT_SHARE: Final = 0.25
"""The share of what the summary leaves that the report may take; the time series is what nothing else holds."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_REPORT_ROWS: Final = 3_600
"""How many rows the report is drawn from at most: more would not be seen."""


def results(
    plan: Plan,
    aggregate: Aggregate,
    summary: Summary,
    name: str,
    budget_bytes: int = BUDGET_BYTES,
    labels: Mapping[str, str] = NO_LABELS,
) -> Json:
    """The ConfigMap of a run's results: summary, JUnit XML, the report as compressed HTML, and the time series.

    The summary is there as JSON and as Markdown. A long time series is compressed, and one that does not fit is told in
    rows of more seconds, to its end.
    """
    texts = {
        "summary.json": msgspec.json.format(msgspec.json.encode(summary)),
        "summary.md": summary_markdown(summary).encode(),
        "junit.xml": junit_xml(summary),
    }
    config_map: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, name, {**labels, VERDICT_LABEL: str(summary.verdict)}),
        "data": {name: text.decode() for name, text in texts.items()},
    }
    remaining_bytes = budget_bytes - sum(len(text) for text in texts.values())
    report = gzip.compress(_report(plan, aggregate, summary).encode(), mtime=0)
    if len(report) <= remaining_bytes * REPORT_SHARE:
        config_map["binaryData"] = {REPORT_KEY: base64.b64encode(report).decode()}
        remaining_bytes -= len(report)
    for row_seconds in ROW_SECONDS:
        parts = time_series_parts(each_series_row(plan, aggregate, summary.started_at, row_seconds))
        if (entry := _entry_within(parts, remaining_bytes)) is not None:
            field, name, text = entry
            config_map.setdefault(field, {})[name] = text
            break
    return config_map


def _entry_within(parts: Iterable[str], budget_bytes: int) -> tuple[str, str, str] | None:
    """The field, the key and the text of a time series within a budget, plain if it is short; None if it is too long.

    No more parts are read than the budget has room for: of a day these are a part of the rows that are too fine.
    """
    most_plain_bytes = min(budget_bytes, PLAIN_SERIES_LIMIT_BYTES)
    # The best compression takes four times as long, for files that are smaller by a hundredth.
    compressor = zlib.compressobj(wbits=_GZIP)
    plain, compressed = bytearray(), bytearray()
    for part in parts:
        if len(plain) <= most_plain_bytes:
            plain += part.encode()
        compressed += compressor.compress(part.encode())
        if len(plain) > most_plain_bytes and len(compressed) > budget_bytes:
            return None
    if len(plain) <= most_plain_bytes:
        return "data", "time_series.csv", plain.decode()
    compressed += compressor.flush()
    if len(compressed) > budget_bytes:
        return None
    return "binaryData", "time_series.csv.gz", base64.b64encode(compressed).decode()


def _report(plan: Plan, aggregate: Aggregate, summary: Summary) -> str:
    seconds = sum(len(step.seconds) for step in aggregate.steps)
    row_seconds = next((each for each in ROW_SECONDS if seconds / each <= _REPORT_ROWS), ROW_SECONDS[-1])
    return report_page(summary, series_rows(plan, aggregate, summary.started_at, row_seconds))
