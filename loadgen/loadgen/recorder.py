"""Samples become counts and sketches; at every instant the counts of a step, a second and a segment add up."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from loadtest_model.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.pacing import share_of, users_at
from loadtest_model.plan import Step
from loadtest_model.sketch import SketchBuilder
from loadtest_model.snapshot import IN_FLIGHT_AGES_KEPT, Counts, Second, StepSnapshot
from loadtest_model.values import NANOSECONDS


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished upload; instants are on the monotonic clock, in nanoseconds.

    `begun` is False where nothing of it can have left.
    """

    intended_ns: int
    sent_ns: int
    finished_ns: int
    rows: int
    error: ErrorKind | None
    records_confirmed: int
    bytes_sent: int
    begun: bool

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.error)


class _Tally:
    """Counts that grow by whole samples."""

    __slots__ = (
        "accepted",
        "bytes_sent",
        "cancelled",
        "records_confirmed",
        "records_sent",
        "rejected",
        "unknown",
        "violation",
    )

    def __init__(self) -> None:
        self.accepted = self.rejected = self.unknown = self.violation = self.cancelled = 0
        self.records_sent = self.records_confirmed = self.bytes_sent = 0

    def add(self, sample: Sample) -> None:
        match sample.outcome:
            case Outcome.ACCEPTED:
                self.accepted += 1
            case Outcome.REJECTED:
                self.rejected += 1
            case Outcome.UNKNOWN:
                self.unknown += 1
            case Outcome.VIOLATION:
                self.violation += 1
        self.cancelled += sample.error is ErrorKind.CANCELLED
        self.records_sent += sample.rows if sample.begun else 0
        self.records_confirmed += sample.records_confirmed
        self.bytes_sent += sample.bytes_sent

    def counts(self) -> Counts:
        sent = self.accepted + self.rejected + self.unknown + self.violation
        # In the closed model nothing is dropped: a user that is late is its own queue.
        return Counts(due=sent, sent=sent, **{name: getattr(self, name) for name in self.__slots__})


class _SecondTally:
    """What belongs to one second. `changed` is the number of the first reading that shows its last change."""

    __slots__ = ("answers", "changed", "ended", "records_answered", "response_ns_sum", "tally")

    def __init__(self) -> None:
        self.tally = _Tally()
        self.ended = 0
        self.answers = 0
        self.records_answered = 0
        self.response_ns_sum = 0
        self.changed = 0


class StepRecorder:
    """Everything measured in one step by one pod; made by `Recorder.open_step`."""

    def __init__(self, number: int, step: Step, start_ns: int, pod_index: int, pod_count: int) -> None:
        self._number = number
        self._step = step
        self._start_ns = start_ns
        self._pod = (pod_index, pod_count)
        self._warm_up_ns = int(step.warm_up_seconds * NANOSECONDS)
        self._segment_ends_ns = [
            int(end * NANOSECONDS) for end in accumulate(segment.duration_seconds for segment in step.segments)
        ]
        self._total = _Tally()
        self._judged = _Tally()
        self._errors: dict[ErrorKind, int] = {}
        self._response = SketchBuilder()
        self._service = SketchBuilder()
        self._rejected_response = SketchBuilder()
        self._seconds: list[_SecondTally] = []
        self._segment_response = [SketchBuilder() for _ in step.segments]
        self._segment_counts = [_Tally() for _ in step.segments]
        self._in_flight: dict[int, int] = {}
        self._next_flight = 0
        self._ended = False
        self._complete = False
        self.reading = 1

    def begin(self, intended_ns: int) -> int:
        """An upload is under way; gives the number to finish it by."""
        self._next_flight += 1
        self._in_flight[self._next_flight] = intended_ns
        return self._next_flight

    def finish(self, flight: int, sample: Sample) -> None:
        """Count the upload that was begun under this number; each counts once."""
        del self._in_flight[flight]
        since_start_ns = sample.intended_ns - self._start_ns
        judged = since_start_ns >= self._warm_up_ns
        self._total.add(sample)
        self._second(since_start_ns).tally.add(sample)
        if sample.error is not None:
            self._errors[sample.error] = self._errors.get(sample.error, 0) + 1
        if judged:
            self._judge(sample, since_start_ns)
        second = self._second(sample.finished_ns - self._start_ns)
        second.ended += 1
        if sample.outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.VIOLATION) and sample.begun:
            second.answers += 1
            second.records_answered += sample.records_confirmed
            second.response_ns_sum += sample.finished_ns - sample.intended_ns

    def complete(self) -> None:
        """The load of this step ran to its natural end, cut short by nobody."""
        self._complete = True

    def end(self) -> None:
        """Nothing of this step is under way or will come."""
        self._ended = True

    def read(self, since: int, now_ns: int) -> StepSnapshot:
        """The step as it stands, with those seconds that changed after reading number `since`."""
        if not self._ended and now_ns >= self._start_ns:
            self._reach(now_ns - self._start_ns)
        ages = sorted(self._in_flight.values())[:IN_FLIGHT_AGES_KEPT]
        return StepSnapshot(
            step=self._number,
            total=self._total.counts(),
            judged=self._judged.counts(),
            errors=dict(self._errors),
            response=self._response.snapshot(),
            service=self._service.snapshot(),
            rejected_response=self._rejected_response.snapshot(),
            seconds=tuple(
                self._second_snapshot(number, second)
                for number, second in enumerate(self._seconds)
                if second.changed > since
            ),
            segment_response=tuple(builder.snapshot() for builder in self._segment_response),
            segment_counts=tuple(tally.counts() for tally in self._segment_counts),
            in_flight=len(self._in_flight),
            in_flight_ages_seconds=tuple(max(0, now_ns - intended) / NANOSECONDS for intended in ages),
            finished=self._complete,
        )

    def _judge(self, sample: Sample, since_start_ns: int) -> None:
        self._judged.add(sample)
        segment = min(bisect_right(self._segment_ends_ns, since_start_ns), len(self._segment_counts) - 1)
        self._segment_counts[segment].add(sample)
        response_ns = max(0, sample.finished_ns - sample.intended_ns)
        if sample.outcome is Outcome.REJECTED:
            self._rejected_response.add(response_ns)
        elif sample.outcome is not Outcome.VIOLATION and sample.error is not ErrorKind.CANCELLED:
            # What we cut ourselves would enter with a time that says nothing of the target.
            self._response.add(response_ns)
            self._service.add(max(0, sample.finished_ns - sample.sent_ns))
            self._segment_response[segment].add(response_ns)

    def _second(self, since_start_ns: int) -> _SecondTally:
        """The second that an instant lies in, marked as changed."""
        self._reach(since_start_ns)
        second = self._seconds[max(0, since_start_ns) // NANOSECONDS]
        second.changed = self.reading
        return second

    def _reach(self, since_start_ns: int) -> None:
        """Have every second up to this instant, also those in which nothing happened."""
        while len(self._seconds) * NANOSECONDS <= since_start_ns:
            self._seconds.append(_SecondTally())
            self._seconds[-1].changed = self.reading
        if not self._seconds:
            self._seconds.append(_SecondTally())

    def _second_snapshot(self, number: int, second: _SecondTally) -> Second:
        fleet = users_at(self._step.segments, number + 0.5)
        return Second(
            second=number,
            counts=second.tally.counts(),
            virtual_users=share_of(fleet, *self._pod),
            ended=second.ended,
            answers=second.answers,
            records_answered=second.records_answered,
            response_nanoseconds_sum=second.response_ns_sum,
        )


class Recorder:
    """A pod's measurements over all steps. Readings are numbered from 1; a later one holds all of an earlier."""

    def __init__(self, pod_index: int, pod_count: int) -> None:
        self._pod = (pod_index, pod_count)
        self._steps: list[StepRecorder] = []
        self._readings = 0
        self._frozen = False

    def open_step(self, step: Step, start_ns: int) -> StepRecorder:
        """Begin to record the next step, whose load starts at this instant."""
        opened = StepRecorder(len(self._steps), step, start_ns, *self._pod)
        opened.reading = self._readings + 1
        self._steps.append(opened)
        return opened

    def freeze(self) -> int:
        """Nothing more will be recorded: every reading from now on is the last one, whose number this gives."""
        if not self._frozen:
            self._frozen = True
            self._readings += 1
            for step in self._steps:
                step.end()
        return self._readings

    def read(self, since: int, now_ns: int) -> tuple[int, tuple[StepSnapshot, ...]]:
        """The number of this reading, and every step with the seconds that changed after reading `since`."""
        number = self._readings if self._frozen else self._readings + 1
        steps = tuple(step.read(since, now_ns) for step in self._steps)
        self._readings = number
        for step in self._steps:
            step.reading = number + 1
        return number, steps
