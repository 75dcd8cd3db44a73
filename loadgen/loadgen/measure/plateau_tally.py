"""What one pod measured on each plateau of a climb, so that a plateau can be judged by itself."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.censored_tally import CensoredTally
from loadgen.measure.own_tally import ON_TIME_NS, OwnTally, is_withheld
from loadgen.measure.samples import Sample
from loadgen.measure.tallies import PartsTally, Tally
from loadtest_model.measurement.outcomes import ErrorKind, Outcome
from loadtest_model.measurement.sketch import SketchBuilder
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.values import NANOSECONDS


class PlateauTally:
    """The judged uploads that were to begin on a plateau. Whatever enters here enters the tallies of the step too."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._counts = Tally()
        self._errors: dict[ErrorKind, int] = {}
        self._response = SketchBuilder()
        self._service = SketchBuilder()
        self._parts = PartsTally()
        self._censored = CensoredTally()
        self.own = OwnTally()

    def add(self, sample: Sample, response_ns: int, service_ns: int) -> None:
        """Add an upload that has ended."""
        self._counts.add(sample)
        self.own.count_own_failure(sample, response_ns)
        if sample.error is not None:
            self._errors[sample.error] = self._errors.get(sample.error, 0) + 1
        if sample.outcome in (Outcome.REJECTED, Outcome.VIOLATION):
            return
        self._response.add(response_ns)
        self._service.add(service_ns)
        self._parts.add(sample.parts)
        self.own.add(sample, response_ns, service_ns)
        if sample.error is ErrorKind.CANCELLED:
            self._censored.add(response_ns, service_ns, sample.remaining_ns)

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        """Add uploads that were accepted."""
        self._counts.add_accepted(uploads)
        self._response.add_all(uploads.responses_ns)
        self._service.add_all(uploads.services_ns)
        self._parts.add_all(sample.parts for sample in uploads.samples)
        self.own.add_accepted(uploads)

    def drop(self, wait_ns: int, own_ns: int) -> None:
        """Add an arrival that got no virtual user; its wait is one of the response times unless it was withheld."""
        self._counts.dropped += 1
        self.own.drop(wait_ns, own_ns)
        if not is_withheld(wait_ns, own_ns):
            self._response.add(wait_ns)

    def drop_at_end(self, wait_ns: int, own_ns: int, remaining_ns: int) -> None:
        """Add an arrival that the end of the load came upon before anything of it was sent."""
        self.drop(wait_ns, own_ns)
        if not is_withheld(wait_ns, own_ns):
            self._censored.add(wait_ns, None, remaining_ns)

    def aggregate(
        self, load_seconds: float, in_flight: int, ages_seconds: tuple[float, ...], *, is_over: bool
    ) -> StepAggregate:
        """The plateau as a step of its own. `ages_seconds` are the oldest of its uploads that have not ended.

        A plateau that `is_over` is finished by this pod once none of its uploads is left.
        """
        counts = self._counts.counts()
        return StepAggregate(
            step=self._number,
            total=counts,
            judged=counts,
            errors=dict(self._errors),
            response=self._response.snapshot(),
            service=self._service.snapshot(),
            parts=self._parts.parts(),
            own=self.own.own_time(),
            censored=self._censored.times(),
            load_seconds=load_seconds,
            in_flight=in_flight,
            in_flight_ages_seconds=ages_seconds,
            finished_pods=is_over and not in_flight,
        )


class ClimbTally:
    """The plateaus of one step. Instants are on the monotonic clock; `ends_ns` count from the step's start."""

    def __init__(self, start_ns: int, warm_up_ns: int, ends_ns: Sequence[int]) -> None:
        self.plateaus = [PlateauTally(number) for number in range(len(ends_ns))]
        self._start_ns = start_ns
        self._warm_up_ns = warm_up_ns
        self._ends_ns = ends_ns

    def aggregates(
        self,
        *,
        load_ns: int,
        now_ns: int,
        in_flight: Sequence[tuple[int, int]],
        oldest_ages_seconds: Callable[[Sequence[tuple[int, int]], int], tuple[float, ...]],
        has_ended: bool,
    ) -> tuple[StepAggregate, ...]:
        """Each plateau that has begun, as it stands.

        `in_flight` has the numbers and the intended starts of what has not ended, in the order of the latter, of which
        `oldest_ages_seconds` gives the ages at an instant.
        `load_ns` is the length of the load so far, and `has_ended` says that it will not get longer.
        """
        in_flight_on: list[list[tuple[int, int]]] = [[] for _ in self.plateaus]
        for upload_number, intended_ns in in_flight:
            since_start_ns = intended_ns - self._start_ns
            if since_start_ns >= self._warm_up_ns:
                number = min(bisect_right(self._ends_ns, since_start_ns), len(in_flight_on) - 1)
                in_flight_on[number].append((upload_number, intended_ns))
        # An upload that is due at the very end of a plateau may begin a moment late.
        settled_ns = load_ns if has_ended else min(load_ns, now_ns - self._start_ns - ON_TIME_NS)
        begins_ns = [0, *self._ends_ns[:-1]]
        return tuple(
            plateau.aggregate(
                (min(load_ns, end_ns) - begin_ns) / NANOSECONDS,
                len(on_plateau),
                oldest_ages_seconds(on_plateau, now_ns),
                is_over=settled_ns >= end_ns,
            )
            for plateau, begin_ns, end_ns, on_plateau in zip(
                self.plateaus, begins_ns, self._ends_ns, in_flight_on, strict=True
            )
            if load_ns >= begin_ns
        )
