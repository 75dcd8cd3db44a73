"""Runs in files, as `loadgen run` and `kubectl loadtest results` write them."""

import json
from pathlib import Path
from typing import Any

import msgspec

from loadgen.options.errors import UsageError
from loadtest_model.pages.comparison_page import ComparedRun
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow, rows_of_csv

_SUMMARY = "summary.json"


def saved_run(place: Path) -> ComparedRun:
    """The run in a summary file, or the newest in a folder, with the time series beside it. Raises UsageError."""
    path = _newest_in(place) if place.is_dir() else place
    summary = _summary_in(path)
    return ComparedRun(_stem(path), summary, _rows_beside(path))


def decoded_summary(content: bytes) -> Summary:
    """The summary in a summary file, or in the file with everything about a local run. Raises ValueError."""
    try:
        return msgspec.json.decode(content, type=Summary)
    except msgspec.DecodeError as error:
        document: Any = json.loads(content)
        if not isinstance(document, dict) or "summary" not in document:
            raise ValueError(str(error)) from error
        return msgspec.convert(document["summary"], Summary)


def decoded_rows(text: str) -> tuple[SeriesRow, ...]:
    """The rows of a time series; none if the text is not one."""
    try:
        return rows_of_csv(text)
    except msgspec.MsgspecError:
        return ()


def _newest_in(folder: Path) -> Path:
    runs = []
    for path in folder.glob(f"*{_SUMMARY}"):
        try:
            runs.append((decoded_summary(path.read_bytes()).started_at or "", path))
        except (OSError, ValueError):
            continue
    if not runs:
        raise UsageError(f"folder {folder} has no summary of a run")
    return max(runs)[1]


def _summary_in(path: Path) -> Summary:
    try:
        return decoded_summary(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not the summary of a run: {error}") from error


def _stem(path: Path) -> str:
    """What the names of a run's files begin with."""
    return path.name.removesuffix(".json").removesuffix("_summary").removesuffix("summary") or path.parent.name


def _rows_beside(path: Path) -> tuple[SeriesRow, ...]:
    """The time series whose file stands beside a summary; none if there is no such file."""
    stem = path.name.removesuffix(".json").removesuffix("_summary").removesuffix("summary")
    for name in (f"{stem}.csv", f"{stem}_time_series.csv", "time_series.csv"):
        file = path.with_name(name)
        if file.is_file():
            return decoded_rows(file.read_text(encoding="utf-8", errors="replace"))
    return ()
