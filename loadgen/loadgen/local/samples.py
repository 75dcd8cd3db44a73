"""Every upload of a load by itself, as a line of a CSV file (`--samples`)."""

import csv
from pathlib import Path
from typing import Final

from loadgen.http.upload_progress import PartNanoseconds
from loadgen.load.engine import Iteration
from loadgen.options.errors import UsageError
from loadtest_model.values import NANOSECONDS

SAMPLE_COLUMNS: Final = (
    "step",
    "intended_seconds",
    "sent_seconds",
    "finished_seconds",
    "response_seconds",
    "service_seconds",
    *(f"{name}_seconds" for name in PartNanoseconds._fields),
    "outcome",
    "error",
    "status",
    "address",
    "records",
    "records_confirmed",
    "bytes_sent",
    "trace_id",
)


class SampleFile:
    """Writes a line for each upload as it ends; the instants count from the first upload's intended start."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise UsageError(f"--samples is {path}, which cannot be written: {error.strerror}") from error
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(SAMPLE_COLUMNS)
        self._zero_ns: int | None = None
        self._problem = ""

    def add(self, iteration: Iteration) -> None:
        if self._problem:
            return
        try:
            self._write(iteration)
        except OSError as error:
            # A full disk must not take the run with it.
            self._problem = error.strerror or str(error)

    def close(self) -> str:
        """Write what is left; gives why lines are missing, empty if none is."""
        try:
            self._file.close()
        except OSError as error:
            self._problem = self._problem or error.strerror or str(error)
        return self._problem

    def _write(self, iteration: Iteration) -> None:
        sample, upload, progress = iteration.sample, iteration.upload, iteration.progress
        zero_ns = self._zero_ns = sample.intended_ns if self._zero_ns is None else self._zero_ns
        self._writer.writerow(
            (
                iteration.step.name,
                *(
                    _seconds(instant_ns - zero_ns)
                    for instant_ns in (sample.intended_ns, sample.sent_ns, sample.finished_ns)
                ),
                _seconds(sample.finished_ns - sample.intended_ns),
                _seconds(sample.finished_ns - sample.sent_ns),
                *(_seconds(nanoseconds or 0) for nanoseconds in progress.parts),
                sample.outcome,
                sample.error or "",
                upload.status if upload and upload.status is not None else "",
                upload.endpoint if upload else "",
                sample.rows,
                sample.records_confirmed,
                sample.bytes_sent,
                sample.trace_id,
            )
        )


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / NANOSECONDS:.6f}"
