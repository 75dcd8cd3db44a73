"""The files of a run: everything as JSON, the time series as CSV, the summary, and JUnit XML."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from loadgen.options.errors import UsageError
from loadgen.screen.secrecy import public_plan
from loadtest_model.judgement.verdict import Judgement
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.snapshot import VerificationReport
from loadtest_model.plan import Plan
from loadtest_model.report.junit import junit_xml
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import time_series_csv

RESULT_SCHEMA: Final = 1


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a run. Written, `plan` hides what is secret; the sketches in `aggregate` can be merged on.

    `complete` is False in what is written while the load runs.
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
    """Where a run's results go."""

    details: Path
    time_series: Path
    summary: Path
    junit: Path

    @property
    def all(self) -> tuple[Path, ...]:
        return self.summary, self.details, self.time_series, self.junit


def result_files(folder: Path, name: str, began: datetime) -> ResultFiles:
    """The files of a run that began at an instant; the folder is made. Raises UsageError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out is {folder}, which cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--out is {folder}, which cannot be written to")
    stem = f"{name}_{began:%Y%m%dT%H%M%SZ}"
    return ResultFiles(
        details=folder / f"{stem}.json",
        time_series=folder / f"{stem}.csv",
        summary=folder / f"{stem}_summary.json",
        junit=folder / f"{stem}_junit.xml",
    )


def write_results(files: ResultFiles, result: Result) -> None:
    """Write all files of a run, each in one piece: a reader never sees half of one. Raises OSError."""
    shown = msgspec.structs.asdict(result) | {"plan": public_plan(result.plan)}
    _write(files.details, msgspec.json.encode(shown) + b"\n")
    _write(files.time_series, time_series_csv(result.plan, result.aggregate).encode())
    _write(files.junit, junit_xml(result.summary))
    _write(files.summary, msgspec.json.format(msgspec.json.encode(result.summary)) + b"\n")


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
