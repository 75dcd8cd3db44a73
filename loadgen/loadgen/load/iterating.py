"""One iteration: a batch is uploaded to the next address, its answer judged, and the sample recorded."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from loadgen.http.endpoints import Endpoint
from loadgen.http.stalls import Stalls
from loadgen.http.transport import Client, TurnedAwayError
from loadgen.http.upload_progress import UploadProgress
from loadgen.load.gate import Gate
from loadgen.measure.samples import Sample
from loadgen.measure.step_recorder import StepRecorder
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
    gate: Gate

    @property
    def end_ns(self) -> int:
        """The instant at which nothing new begins any more."""
        return self.at(self.step.duration_seconds)

    def at(self, seconds: float) -> int:
        return self.begin_ns + int(seconds * NANOSECONDS)

    def turn_away(self, upload_number: int, now_ns: int, own_ns: int, remaining_ns: int) -> bool:
        """End an upload of which nothing was sent, and nothing will be.

        An arrival that the end of the load came upon is dropped; `own_ns` is how much of its wait our own side caused,
        `remaining_ns` how much longer it had until its time-out. Any other upload is withdrawn. Gives whether our own
        side alone kept an arrival from the target.
        """
        if self.step.arrivals is not None and self.gate.has_reached_end:
            return self.recorder.drop_at_end(upload_number, now_ns, own_ns, remaining_ns)
        self.recorder.withdraw(upload_number)
        return False


class Iteration(Struct, frozen=True):
    """A finished iteration, for observers. `upload` is None if it was cut or had no address."""

    step: Step
    sample: Sample
    upload: Upload | None
    progress: UploadProgress


class IterationOutcome(Struct, frozen=True):
    """How an iteration went: whether its upload began, and the pause that the target asked for.

    `own_ns` is how much of its time our own side took, and `target_ns` is the rest. `is_withheld` says that the end of
    the load came upon its arrival, which our own side alone had kept from the target.
    """

    has_begun: bool
    retry_after_seconds: float = 0.0
    own_ns: int = 0
    target_ns: int = 0
    is_withheld: bool = False


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
        self._address_texts: dict[Endpoint, str] = {}
        self._under_way: dict[int, _Attempt] = {}
        self.observer: Callable[[Iteration], None] | None = None

    @property
    def stalls(self) -> Stalls:
        """The stalls of this process."""
        return self._uploader.stalls

    @property
    def timeout_ns(self) -> int:
        return self._timeout_ns

    def response_ns_so_far(self, upload_number: int, now_ns: int) -> int | None:
        """How long the response time of an upload is already, without our own part; None if it is not under way."""
        attempt = self._under_way.get(upload_number)
        return None if attempt is None else attempt.target_wait_ns + attempt.target_ns(now_ns)

    def target_ns(self, upload_number: int, now_ns: int) -> int:
        """How long the upload of an iteration has been with the target; 0 if it is not under way."""
        attempt = self._under_way.get(upload_number)
        return 0 if attempt is None else attempt.target_ns(now_ns)

    def awaits_answer(self, upload_number: int) -> bool:
        """Whether all of an upload was sent, so that it is with the target until it ends."""
        attempt = self._under_way.get(upload_number)
        return attempt is not None and attempt.progress.last_byte_at is not None

    async def iterate(
        self, upload_number: int, due_ns: int, rows: int, step_run: StepRun, own_wait_ns: int = 0
    ) -> IterationOutcome:
        """Run the iteration that the recorder counts under this number.

        In the open model its response time counts from `due_ns`. In the closed model it counts from when the file is
        made: making it is the virtual user's own time, and the target's is what is measured. `own_wait_ns` is how much
        of the wait for a virtual user our own side caused. Raises BrokenPromiseError after it was
        recorded. Cancelling cuts the upload and counts it so. An upload that is not sent before the gate closes, or is
        cut before it came to the target, is turned away.
        """
        start_ns = self._clock_ns()
        progress = UploadProgress()
        target_wait_ns = 0 if step_run.step.arrivals is None else max(0, start_ns - due_ns - own_wait_ns)
        attempt = _Attempt(progress, due_ns, rows, start_ns, own_wait_ns, target_wait_ns, start_ns)
        self._under_way[upload_number] = attempt
        is_withheld = False
        gate = step_run.gate
        try:
            with gate.passage(progress):
                endpoint = self._book.next()
                if endpoint is None:
                    endpoint = await self._wait_for_address(attempt, step_run)
                if endpoint is not None:
                    attempt.route = Route(self._book, endpoint, gate.may_send)
                    attempt.upload = await self._uploader.upload(
                        step_run.client, attempt.route, rows, progress, is_traced=True
                    )
        except TurnedAwayError:
            if attempt.lacks_address and step_run.gate.has_reached_end:
                self._record(upload_number, attempt, step_run, ErrorKind.NO_ADDRESS)
            else:
                is_withheld = self._turn_away(upload_number, attempt, step_run)
        except BaseException:
            if attempt.progress.has_approached:
                is_timed_out = self._clock_ns() - attempt.sent_ns >= self._timeout_ns
                self._record(
                    upload_number, attempt, step_run, ErrorKind.TIMEOUT if is_timed_out else ErrorKind.CANCELLED
                )
            else:
                self._turn_away(upload_number, attempt, step_run)
            raise
        else:
            upload = attempt.upload
            error = ErrorKind.NO_ADDRESS if upload is None else upload.judgement.error
            if upload is not None and error is None:
                self._book.trust(upload.endpoint)
            self._record(upload_number, attempt, step_run, error)
            if error is not None and upload is not None and outcome_of(error) is Outcome.VIOLATION:
                raise BrokenPromiseError(_violation(upload, error))
        finally:
            del self._under_way[upload_number]
        pause_seconds = 0.0 if attempt.upload is None else attempt.upload.retry_after_seconds or 0.0
        now_ns = self._clock_ns()
        own_ns = attempt.own_ns(now_ns)
        return IterationOutcome(
            progress.has_begun, pause_seconds, own_ns, max(0, now_ns - start_ns - own_ns), is_withheld
        )

    async def _wait_for_address(self, attempt: "_Attempt", step_run: StepRun) -> Endpoint | None:
        attempt.lacks_address = True
        remaining_seconds = (step_run.end_ns - attempt.start_ns) / NANOSECONDS
        endpoint = await self._book.wait_for_next(min(PROOF_WAIT_SECONDS, remaining_seconds))
        attempt.addressed_ns = self._clock_ns()
        attempt.lacks_address = endpoint is None
        return endpoint

    def _turn_away(self, upload_number: int, attempt: "_Attempt", step_run: StepRun) -> bool:
        now_ns = self._clock_ns()
        own_ns = attempt.own_ns(now_ns) + attempt.own_wait_ns
        return step_run.turn_away(upload_number, now_ns, own_ns, self._remaining_ns(attempt, now_ns))

    def _remaining_ns(self, attempt: "_Attempt", now_ns: int) -> int:
        """How much longer an upload has until its time-out."""
        return max(0, attempt.sent_ns + self._timeout_ns - now_ns)

    def _record(self, upload_number: int, attempt: "_Attempt", step_run: StepRun, error: ErrorKind | None) -> None:
        """Count an iteration that has ended, and tell of it."""
        finished_ns = self._clock_ns()
        progress, route, upload = attempt.progress, attempt.route, attempt.upload
        is_open_model = step_run.step.arrivals is not None
        sent_ns = attempt.sent_ns
        service_own_ns = _own_nanoseconds(progress, finished_ns)
        making_ns = sent_ns - attempt.addressed_ns if is_open_model else 0
        departed_addresses = () if route is None else route.departed_addresses
        judgement = None if upload is None else upload.judgement
        sample = Sample(
            attempt.due_ns if is_open_model else sent_ns,
            sent_ns,
            finished_ns,
            attempt.rows,
            error,
            0 if judgement is None else judgement.records_confirmed,
            progress.body_bytes_sent,
            progress.has_begun,
            service_own_ns + making_ns + attempt.own_wait_ns,
            service_own_ns,
            max(0, sent_ns + self._timeout_ns - finished_ns),
            "" if route is None else self._address_text(route.endpoint),
            tuple(map(str, departed_addresses)) if departed_addresses else (),
            progress.parts,
            None if judgement is None else judgement.cause,
            None if upload is None else upload.status,
            "" if judgement is None else judgement.detail,
            progress.trace_id,
            _nanoseconds_between(progress.composing_at, progress.ready_at),
        )
        step_run.recorder.finish(upload_number, sample)
        if self.observer is not None:
            self.observer(Iteration(step_run.step, sample, upload, progress))

    def _address_text(self, endpoint: Endpoint) -> str:
        """An address as it is recorded; the text of each is made once."""
        text = self._address_texts.get(endpoint)
        if text is None:
            text = self._address_texts[endpoint] = str(endpoint)
        return text


class _Attempt(Struct, eq=False):
    """One iteration under way. `addressed_ns` is when it had an address to go to, `upload` what came of it.

    Its wait for a virtual user was our own for `own_wait_ns`, and the target's for `target_wait_ns`.
    """

    progress: UploadProgress
    due_ns: int
    rows: int
    start_ns: int
    own_wait_ns: int
    target_wait_ns: int
    addressed_ns: int
    lacks_address: bool = False
    route: Route | None = None
    upload: Upload | None = None

    @property
    def sent_ns(self) -> int:
        """When its file was ready to be sent; for one that never had a file, when it was begun."""
        ready_at = self.progress.ready_at
        return self.start_ns if ready_at is None else round(ready_at * NANOSECONDS)

    def own_ns(self, now_ns: int) -> int:
        """How much of its time until now our own side took, without the wait for a virtual user."""
        if self.lacks_address:
            return 0
        if self.progress.ready_at is None:
            return now_ns - self.addressed_ns
        return self.sent_ns - self.addressed_ns + _own_nanoseconds(self.progress, now_ns)

    def target_ns(self, now_ns: int) -> int:
        """How much of its time until now was not our own, without the wait for a virtual user."""
        return max(0, now_ns - self.start_ns - self.own_ns(now_ns))


def _own_nanoseconds(progress: UploadProgress, finished_ns: int) -> int:
    """How much of an upload's service time may be our own, with what it took from its end to here."""
    after_ns = 0 if progress.finished_at is None else finished_ns - round(progress.finished_at * NANOSECONDS)
    return round(progress.own_seconds_until(finished_ns / NANOSECONDS) * NANOSECONDS) + max(0, after_ns)


def _nanoseconds_between(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else round((end - start) * NANOSECONDS)


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
