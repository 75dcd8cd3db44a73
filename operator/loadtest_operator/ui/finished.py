"""The results of a test that has ended, read from its ConfigMap and drawn anew.

The ConfigMap has the report as HTML too. It is not shown as a page: whoever may write ConfigMaps could put markup there
that others would see. What is drawn from figures and texts cannot have any.
"""

import base64
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from loadtest_model.report.kept_files import LARGEST_FILE_BYTES, unpack
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow, rows_of_csv
from loadtest_operator.cluster.api import CONFIG_MAPS, Api
from loadtest_operator.facts.resources import observed_results
from loadtest_operator.manifests.results import REPORT_KEY
from loadtest_operator.ui.shown_test import ShownTest

Json = dict[str, Any]

LARGEST_REPORT_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True)
class Results:
    """What a run came to. `report` is the file as it was written, None if there was no room for it."""

    summary: Summary
    rows: tuple[SeriesRow, ...]
    report: bytes | None


async def read_results(api: Api, test: ShownTest) -> Results | None:
    """The results of a test; None if there are none that can be read.

    Raises ApiError.
    """
    config_map = await api.get(CONFIG_MAPS, test.namespace, test.results_name) if test.results_name else None
    # Whoever may write a status could name another ConfigMap there, or that of another run.
    observed = observed_results(config_map, test.uid) if config_map is not None else None
    if config_map is None or observed is None or observed.run_id != test.status.run_id:
        return None
    return results_in(config_map)


def results_in(config_map: Json) -> Results | None:
    """What is in a ConfigMap; None if that is no results."""
    data, binary_data = config_map.get("data") or {}, config_map.get("binaryData") or {}
    try:
        summary = msgspec.json.decode(data.get("summary.json", ""), type=Summary)
    except msgspec.MsgspecError:
        return None
    series = data.get("time_series.csv")
    if series is None:
        series = (_unpacked(binary_data.get("time_series.csv.gz"), LARGEST_FILE_BYTES) or b"").decode(errors="replace")
    try:
        rows = rows_of_csv(series)
    except msgspec.MsgspecError:
        rows = ()
    return Results(summary, rows, _unpacked(binary_data.get(REPORT_KEY), LARGEST_REPORT_BYTES))


def _unpacked(text: str | None, largest_bytes: int) -> bytes | None:
    if not text:
        return None
    try:
        return unpack("a file", base64.b64decode(text), largest_bytes)
    except ValueError:
        return None
