"""The files of a run: report, everything as JSON, time series as CSV, summary as JSON and Markdown, and JUnit XML."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from loadgen.local.whole_files import write_whole
from loadgen.options.errors import UsageError
from loadtest_model.judgement.verdict import Judgement
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.snapshot import VerificationReport
from loadtest_model.plan import Plan
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import series_rows, time_series_csv
from loadtest_model.secrecy import without_secrets

RESULT_SCHEMA: Final = 1


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a run. In a file, `plan` has no secrets. The sketches in `aggregate` can be merged further.

    `complete` is False in files that are written while the load runs.
    """

    schema_version: int
    program: str
    complete: bool
    summary: Summary
    plan: Plan
    verification: VerificationReport | None
    judgement: Judgement
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """Where a run's results go. The report is written only at the end."""

    details: Path
    time_series: Path
    summary: Path
    markdown: Path
    junit: Path
    report: Path

    @property
    def all(self) -> tuple[Path, ...]:
        return self.report, self.summary, self.markdown, self.details, self.time_series, self.junit


def result_files(folder: Path, name: str, started_at: datetime) -> ResultFiles:
    """The files of a run, in a folder that is created if needed. Raises UsageError if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out is {folder}, which cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--out is {folder}, which cannot be written to")
    stem = f"{name}_{started_at:%Y%m%dT%H%M%SZ}"
    return ResultFiles(
        details=folder / f"{stem}.json",
        time_series=folder / f"{stem}.csv",
        summary=folder / f"{stem}_summary.json",
        markdown=folder / f"{stem}_summary.md",
        junit=folder / f"{stem}_junit.xml",
        report=folder / f"{stem}_report.html",
    )


def write_results(files: ResultFiles, result: RunResult) -> None:
    """Write all files of a run, each in one piece: a reader never sees half of one. Raises OSError."""
    # What is written at the end alone would take a tenth of the time to a run's first byte.
    from loadtest_model.report.junit import junit_xml  # noqa: PLC0415 - see above
    from loadtest_model.report.markdown import summary_markdown  # noqa: PLC0415 - see above

    public_result = msgspec.structs.asdict(result) | {"plan": without_secrets(result.plan)}
    write_whole(files.details, msgspec.json.encode(public_result) + b"\n")
    rows = series_rows(result.plan, result.aggregate, result.summary.started_at)
    write_whole(files.time_series, time_series_csv(rows).encode())
    write_whole(files.junit, junit_xml(result.summary))
    write_whole(files.markdown, summary_markdown(result.summary).encode())
    if result.complete:
        from loadtest_model.pages.report_page import report_page  # noqa: PLC0415 - see above

        write_whole(files.report, report_page(result.summary, rows).encode())
    write_whole(files.summary, msgspec.json.format(msgspec.json.encode(result.summary)) + b"\n")
