"""Every upload by itself, for people who want to see what goes over the wire (`spec.debug`, `--debug`)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from loadgen import log
from loadgen.http.upload_progress import PartNanoseconds, UploadProgress
from loadgen.load.iterating import Iteration
from loadgen.upload.uploading import Upload
from loadtest_model.measurement.outcomes import outcome_of
from loadtest_model.quantities import bytes_text, count_text, seconds_text


@dataclass(frozen=True, slots=True)
class UploadTrace:
    """One upload. `part` is the step that it belongs to, or the verification's check.

    `came_to` is its kind of error, or that it was accepted. `answer` holds the first 200 characters of the answer.
    If there is no answer, it describes the failure instead. It never contains the target's token.
    """

    part: str
    address: str
    records: int
    bytes_sent: int
    status: int | None
    came_to: str
    connect_seconds: float
    upload_seconds: float
    wait_seconds: float
    database_seconds: float
    answer: str


def trace_of_iteration(iteration: Iteration) -> UploadTrace:
    sample, upload = iteration.sample, iteration.upload
    came_to = str(sample.error or sample.outcome)
    return _trace(iteration.step.name, sample.address, sample.rows, came_to, upload, iteration.progress)


def trace_of_check(name: str, upload: Upload, progress: UploadProgress) -> UploadTrace:
    came_to = str(upload.error or outcome_of(upload.error))
    return _trace(name, str(upload.endpoint), upload.rows, came_to, upload, progress)


def _trace(
    part: str, address: str, rows: int, came_to: str, upload: Upload | None, progress: UploadProgress
) -> UploadTrace:
    return UploadTrace(
        part=part,
        address=address,
        records=rows,
        bytes_sent=progress.body_bytes_sent,
        status=None if upload is None else upload.status,
        came_to=came_to,
        connect_seconds=round(progress.connect_seconds, 6),
        upload_seconds=round(progress.upload_seconds, 6),
        wait_seconds=round(progress.wait_seconds, 6),
        database_seconds=round(progress.database_seconds or 0.0, 6),
        answer="" if upload is None else upload.answer_text or upload.judgement.detail,
    )


def log_trace(trace: UploadTrace) -> None:
    """The upload as an event of the log."""
    log.info("upload", **asdict(trace))


class DebugLines:
    """The uploads as numbered lines for people."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._number = 0

    def add(self, trace: UploadTrace) -> None:
        self._number += 1
        status = "no answer" if trace.status is None else str(trace.status)
        times = ", ".join(
            f"{name} {seconds_text(getattr(trace, f'{name}_seconds'))}" for name in PartNanoseconds._fields
        )
        address_text = f" {trace.address}" if trace.address else ""
        self._write(
            f"#{self._number} {trace.part}{address_text}: {count_text(trace.records, 'record')},"
            f" {bytes_text(trace.bytes_sent)} -> {status}, {trace.came_to}; {times}; {trace.answer}\n"
        )
