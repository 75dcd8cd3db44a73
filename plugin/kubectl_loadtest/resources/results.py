"""The results of a run, out of the ConfigMap in which the operator keeps them."""

import re
from typing import Any, Final

from kubectl_loadtest.errors import CommandError
from loadgen.local.saved_runs import decoded_summary
from loadtest_model.report.kept_files import files_of
from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL
from loadtest_model.report.summary import Summary

Json = dict[str, Any]

_RESULTS_NAME: Final = re.compile(r"-[0-9a-f]{8}-results\Z")

SUMMARY: Final = "summary.json"
REPORT: Final = "report.html"
MARKDOWN: Final = "summary.md"
SERIES: Final = "time_series.csv"
FILE_NAMES: Final = {SUMMARY: "summary", REPORT: "report", SERIES: "time series", "junit.xml": "JUnit XML"}


def is_results_name(name: str) -> bool:
    """Whether this is how a ConfigMap of results is called."""
    return _RESULTS_NAME.search(name) is not None


def run_name(config_map: Json) -> str:
    """Test and run of a ConfigMap of results, as a stem for the names of files."""
    labels = config_map["metadata"].get("labels") or {}
    name, run_id = labels.get(TEST_LABEL), labels.get(RUN_LABEL)
    return f"{name}_{run_id}" if name and run_id else str(config_map["metadata"]["name"])


def owner_name(config_map: Json) -> str:
    """The test that a ConfigMap of results belongs to; empty if it belongs to none any more."""
    owners = config_map["metadata"].get("ownerReferences") or ()
    return next((str(owner["name"]) for owner in owners if owner.get("controller")), "")


def summary_in(config_map: Json, reference: str) -> Summary:
    """The summary of a run. Raises CommandError."""
    try:
        return decoded_summary(file_in(config_map, SUMMARY))
    except ValueError as error:
        raise CommandError(f"error: {reference} has no summary that can be read: {error}") from error


def file_in(config_map: Json, name: str) -> bytes:
    """One of the files. Raises CommandError if the ConfigMap does not have it."""
    content = files_of(config_map).get(name)
    if content is None:
        place = f"ConfigMap {config_map['metadata']['namespace']}/{config_map['metadata']['name']}"
        raise CommandError(
            f"error: {place} has no {FILE_NAMES.get(name, name)}",
            "an operator of this version writes it; `kubectl loadtest results` saves what there is",
        )
    return content
