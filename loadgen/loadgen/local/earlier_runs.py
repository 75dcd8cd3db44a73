"""The earlier runs that are in files of this machine."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from loadgen.options.errors import UsageError
from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, baseline_of, names_baseline
from loadtest_model.plan import Plan


class _Details(msgspec.Struct, frozen=True):
    """The file with everything about a run has its summary inside."""

    summary: RunOnRecord


def baseline_for(plan: Plan, places: Iterable[Path]) -> Baseline | None:
    """The runs that a plan is compared with, from files and folders; None if no threshold compares.

    Raises UsageError for a file that is no summary of a run.
    """
    if not names_baseline(plan):
        return None
    return baseline_of(plan, (run for place in places for run in _runs_in(place)))


def run_in_file(path: Path) -> RunOnRecord:
    """The run in a summary file, or in the file with everything about a run. Raises UsageError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    run = _decoded(content)
    if run is None:
        raise UsageError(f"{path} is not the summary of a run")
    return run


def _runs_in(place: Path) -> Iterator[RunOnRecord]:
    """The run in a file, or those of all summaries in a folder, in which anything else may lie as well."""
    if not place.is_dir():
        yield run_in_file(place)
        return
    for path in sorted(place.glob("*summary.json")):
        run = _decoded(path.read_bytes())
        if run is not None:
            yield run


def _decoded(content: bytes) -> RunOnRecord | None:
    try:
        return msgspec.json.decode(content, type=RunOnRecord)
    except msgspec.DecodeError:
        pass
    try:
        return msgspec.json.decode(content, type=_Details).summary
    except msgspec.DecodeError:
        return None
