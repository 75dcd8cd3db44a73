"""One iteration: a batch is uploaded to the next address, its answer judged, and the sample recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.measure.recorder import Sample, StepRecorder
from loadgen.proof.violations import BrokenPromiseError
from loadgen.upload.addresses import PROOF_WAIT_SECONDS, AddressBook
from loadgen.upload.routes import Route
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.snapshot import Violation
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step that is being run. `begin_ns` is the instant at which its load starts."""

    step: Step
    begin_ns: int
    client: Client
    recorder: StepRecorder

    @property
    def end_ns(self) -> int:
        """The instant at which nothing new begins any more."""
        return self.at(self.step.duration_seconds)

    def at(self, seconds: float) -> int:
        return self.begin_ns + int(seconds * NANOSECONDS)


@dataclass(frozen=True, slots=True)
class Iteration:
    """A finished iteration, for observers. `upload` is None if it was cut or had no address."""

    step: Step
    sample: Sample
    upload: Upload | None
    progress: UploadProgress


class IterationOutcome(NamedTuple):
    """How an iteration went: whether its upload began, and the pause that the target asked for.

    `own_ns` is how much of its time our own side took.
    """

    has_begun: bool
    retry_after_seconds: float = 0.0
    own_ns: int = 0


class IterationRunner:
    """Runs the iterations of one pod. `observer`, if it is set, is called with each finished one.

    An upload that is cut counts as timed out once it has lasted `timeout_seconds`.
    """

    def __init__(
        self, uploader: Uploader, book: AddressBook, clock_ns: Callable[[], int], timeout_seconds: float
    ) -> None:
        self._uploader = uploader
        self._book = book
        self._clock_ns = clock_ns
        self._timeout_ns = int(timeout_seconds * NANOSECONDS)
        self.observer: Callable[[Iteration], None] | None = None

    async def iterate(
        self, flight: int, due_ns: int, rows: int, step_run: StepRun, own_wait_ns: int = 0
    ) -> IterationOutcome:
        """Make the iteration that was begun in the recorder; in the open model its response time counts from `due_ns`.

        In the closed model it counts from when the file is made: making it is the virtual user's own time, and the
        target's is what is measured. `own_wait_ns` is how much of the wait for a virtual user our own side caused.
        Raises BrokenPromiseError after it was recorded. Cancelling cuts the upload and counts it so.
        """
        progress = UploadProgress()
        iteration_start_ns = self._clock_ns()
        endpoint = self._book.next()
        records_confirmed = 0
        error: ErrorKind | None = None
        upload: Upload | None = None
        route: Route | None = None
        try:
            if endpoint is None:
                remaining_seconds = (step_run.end_ns - iteration_start_ns) / NANOSECONDS
                endpoint = await self._book.wait_for_next(min(PROOF_WAIT_SECONDS, remaining_seconds))
            if endpoint is not None:
                route = Route(self._book, endpoint)
                upload = await self._uploader.upload(step_run.client, route, rows, progress)
        except BaseException:
            is_timed_out = self._clock_ns() - iteration_start_ns >= self._timeout_ns
            error = ErrorKind.TIMEOUT if is_timed_out else ErrorKind.CANCELLED
            raise
        else:
            error = ErrorKind.NO_ADDRESS if upload is None else upload.error
            records_confirmed = 0 if upload is None else upload.judgement.records_confirmed
            if upload is not None and error is None:
                self._book.trust(upload.endpoint)
        finally:
            sent_ns = iteration_start_ns if progress.ready_at is None else round(progress.ready_at * NANOSECONDS)
            finished_ns = self._clock_ns()
            service_own_ns = _own_nanoseconds(progress, finished_ns)
            making_ns = 0 if step_run.step.arrivals is None else sent_ns - iteration_start_ns
            sample = Sample(
                intended_ns=sent_ns if step_run.step.arrivals is None else due_ns,
                sent_ns=sent_ns,
                finished_ns=finished_ns,
                own_service_ns=service_own_ns,
                own_response_ns=service_own_ns + making_ns + own_wait_ns,
                rows=rows,
                error=error,
                records_confirmed=records_confirmed,
                bytes_sent=progress.body_bytes_sent,
                has_begun=progress.has_begun,
                address="" if route is None else str(route.endpoint),
                departed_addresses=() if route is None else tuple(map(str, route.departed_addresses)),
                parts=progress.parts,
                cause=None if upload is None else upload.judgement.cause,
                status=None if upload is None else upload.status,
                detail="" if upload is None else upload.judgement.detail,
            )
            step_run.recorder.finish(flight, sample)
            if self.observer is not None:
                self.observer(Iteration(step_run.step, sample, upload, progress))
        own_ns = sent_ns - iteration_start_ns + service_own_ns
        if upload is None:
            return IterationOutcome(progress.has_begun, own_ns=own_ns)
        if error is not None and outcome_of(error) is Outcome.VIOLATION:
            raise BrokenPromiseError(_violation(upload, error))
        return IterationOutcome(progress.has_begun, upload.retry_after_seconds or 0.0, own_ns)


def _own_nanoseconds(progress: UploadProgress, finished_ns: int) -> int:
    """How much of an upload's service time may be our own, with what it took from its end to here."""
    after_ns = 0 if progress.finished_at is None else finished_ns - round(progress.finished_at * NANOSECONDS)
    return round(progress.own_seconds * NANOSECONDS) + max(0, after_ns)


def _violation(upload: Upload, kind: ErrorKind) -> Violation:
    return Violation(
        kind=kind,
        address=str(upload.endpoint),
        status=upload.status,
        rows=upload.rows,
        first_client_id=upload.first_client_id or "",
        first_row=upload.first_row,
        message=upload.judgement.detail,
    )
