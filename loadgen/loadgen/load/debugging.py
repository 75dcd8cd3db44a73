"""Every upload by itself, for whoever wants to see what goes over the wire (`spec.debug`, `--debug`)."""

from dataclasses import asdict, dataclass
from typing import TextIO

from loadgen import log
from loadgen.http.upload_progress import Progress
from loadgen.load.iterating import Iteration
from loadgen.upload.uploading import Upload
from loadtest_model.measurement.outcomes import outcome_of
from loadtest_model.quantities import bytes_text, count_text, seconds_text


@dataclass(frozen=True, slots=True)
class Look:
    """One upload. `part` is the step that it belongs to, or the verification's check.

    `came_to` is its kind of error, or that it was accepted. `answer` holds the first 200 characters of the answer or,
    where there is none, what was seen in its place; the target's token is taken out of it.
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
    answer: str


def look_at_iteration(iteration: Iteration) -> Look:
    sample, upload = iteration.sample, iteration.upload
    came_to = str(sample.error or sample.outcome)
    return _look(iteration.step.name, sample.address, sample.rows, came_to, upload, iteration.progress)


def look_at_check(name: str, upload: Upload, progress: Progress) -> Look:
    came_to = str(upload.error or outcome_of(upload.error))
    return _look(name, str(upload.endpoint), upload.rows, came_to, upload, progress)


def _look(part: str, address: str, rows: int, came_to: str, upload: Upload | None, progress: Progress) -> Look:
    return Look(
        part=part,
        address=address,
        records=rows,
        bytes_sent=progress.body_bytes_sent,
        status=None if upload is None else upload.status,
        came_to=came_to,
        connect_seconds=round(progress.connect_seconds, 6),
        upload_seconds=round(progress.upload_seconds, 6),
        wait_seconds=round(progress.wait_seconds, 6),
        answer="" if upload is None else upload.answer_text or upload.judgement.detail,
    )


def log_look(look: Look) -> None:
    """The upload as an event of the log."""
    log.say("upload", **asdict(look))


class DebugLines:
    """The uploads as numbered lines for people."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._number = 0

    def add(self, look: Look) -> None:
        self._number += 1
        status = "no answer" if look.status is None else str(look.status)
        times = ", ".join(
            f"{name} {seconds_text(seconds)}"
            for name, seconds in (
                ("connect", look.connect_seconds),
                ("upload", look.upload_seconds),
                ("wait", look.wait_seconds),
            )
        )
        where = f" {look.address}" if look.address else ""
        print(
            f"#{self._number} {look.part}{where}: {count_text(look.records, 'record')}, {bytes_text(look.bytes_sent)}"
            f" -> {status}, {look.came_to}; {times}; {look.answer}",
            file=self._stream,
            flush=True,
        )
