"""Samples of a step become counts and sketches; those of the step, of its seconds and its segments always add up."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Final

from loadgen.measure.accepted_uploads import AcceptedUploads, accepted_groups
from loadgen.measure.cause_tally import CauseTally
from loadgen.measure.censored_tally import CensoredTally
from loadgen.measure.own_tally import OwnTally, is_withheld
from loadgen.measure.plateau_tally import ClimbTally
from loadgen.measure.samples import Sample
from loadgen.measure.slow_tally import SlowTally
from loadgen.measure.step_seconds import StepSeconds
from loadgen.measure.tallies import AddressTally, PartsTally, Tally
from loadtest_model.measurement.counts import merged_counts
from loadtest_model.measurement.outcomes import ErrorKind, Outcome
from loadtest_model.measurement.silence import Silence
from loadtest_model.measurement.sketch import SketchBuilder, merged_sketch
from loadtest_model.measurement.spread import limit_addresses
from loadtest_model.measurement.step import MOST_IN_FLIGHT_AGES, StepAggregate
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS

_COUNT_AT: Final = 256
"""How many finished uploads are kept before they are counted. That takes less than a millisecond."""


class StepRecorder:
    """Everything measured in one step by one pod; made by `Recorder.open_step`.

    `start_seconds` is when the step begins, counted from the start of the first one.
    """

    def __init__(self, number: int, step: Step, start_ns: int, pod: tuple[int, int], start_seconds: float) -> None:
        self._number = number
        self._step = step
        self._start_ns = start_ns
        self._start_seconds = start_seconds
        self._warm_up_ns = int(step.warm_up_seconds * NANOSECONDS)
        self._max_lateness_ns = int(step.arrivals.max_lateness_seconds * NANOSECONDS) if step.arrivals else 0
        self._segment_ends_ns = [
            int(end * NANOSECONDS) for end in accumulate(segment.duration_seconds for segment in step.segments)
        ]
        self._warm_up = Tally()
        self._errors: dict[ErrorKind, int] = {}
        self._causes = CauseTally()
        self._service = SketchBuilder()
        self._rejected_response = SketchBuilder()
        self._parts = PartsTally()
        self._addresses: dict[str, AddressTally] = {}
        self._lateness = SketchBuilder()
        self._user_limit_hits = 0
        self._own = OwnTally()
        self._slowest = SlowTally(pod[0], start_ns)
        self._censored = CensoredTally()
        self._seconds = StepSeconds(step, pod)
        self._segment_response = [SketchBuilder() for _ in step.segments]
        self._segment_counts = [Tally() for _ in step.segments]
        self._climb = ClimbTally(start_ns, self._warm_up_ns, self._segment_ends_ns) if step.climb else None
        self._part_of = partial(bisect_right, sorted({self._warm_up_ns, *self._segment_ends_ns}))
        self._in_flight: dict[int, int] = {}
        self._age_ns: Callable[[int, int, int], int] = _time_since_due
        self._uncounted: list[Sample] = []
        self._uncounted_end_ns = start_ns
        self._last_upload_number = 0
        self._withdrawn = 0
        self._last_activity_ns = start_ns
        self._end_ns: int | None = None
        self._is_complete = False
        self._silence: Silence | None = None

    def begin(self, intended_ns: int) -> int:
        """An upload is due: under way, or waiting for a virtual user. Gives the number to end it by."""
        self._last_upload_number += 1
        self._in_flight[self._last_upload_number] = intended_ns
        return self._last_upload_number

    def read_ages_by(self, age_ns: Callable[[int, int, int], int]) -> None:
        """Have the age of what is in flight given by its number, its intended start and the present instant."""
        self._age_ns = age_ns

    def finish(self, upload_number: int, sample: Sample) -> None:
        """Count the upload that was begun under this number; each counts once.

        It is counted together with others that end in the same second, and before anything is read.
        """
        del self._in_flight[upload_number]
        finished_ns = sample.finished_ns
        if finished_ns > self._last_activity_ns:  # noqa: PLR1730 - for each upload, where calls are the cost
            self._last_activity_ns = finished_ns
        if finished_ns >= self._uncounted_end_ns:
            self._count_finished()
            # The second has the virtual users of now, whatever is noted before it is counted.
            self._seconds.add_until(finished_ns - self._start_ns)
            self._uncounted_end_ns += ((finished_ns - self._uncounted_end_ns) // NANOSECONDS + 1) * NANOSECONDS
        self._uncounted.append(sample)
        if len(self._uncounted) >= _COUNT_AT:
            self._count_finished()

    def _count_finished(self) -> None:
        """Count the uploads that have finished."""
        if self._uncounted:
            samples, self._uncounted = self._uncounted, []
            groups, others = accepted_groups(samples, self._start_ns, self._part_of)
            for uploads in groups:
                self._count_accepted(uploads)
            for sample in others:
                self._count(sample)

    def _count_accepted(self, uploads: AcceptedUploads) -> None:
        sample = uploads.samples[0]
        since_start_ns = sample.intended_ns - self._start_ns
        self._seconds.at(since_start_ns).tally.add_accepted(uploads)
        self._address(uploads.address).add_accepted(uploads)
        if since_start_ns >= self._warm_up_ns:
            segment = self._segment(since_start_ns)
            self._segment_counts[segment].add_accepted(uploads)
            self._segment_response[segment].add_all(uploads.responses_ns)
            self._service.add_all(uploads.services_ns)
            self._own.add_accepted(uploads)
            self._slowest.add_accepted(uploads)
            self._parts.add_all(sample.parts for sample in uploads.samples)
            if self._climb:
                self._climb.plateaus[segment].add_accepted(uploads)
        else:
            self._warm_up.add_accepted(uploads)
        self._seconds.at(sample.finished_ns - self._start_ns).end_accepted(uploads)

    def _count(self, sample: Sample) -> None:
        # Timers fire up to a millisecond early, and nothing is due before the start.
        since_start_ns = max(0, sample.intended_ns - self._start_ns)
        self._seconds.at(since_start_ns).tally.add(sample)
        if sample.error is not None:
            self._errors[sample.error] = self._errors.get(sample.error, 0) + 1
            self._causes.add(sample)
        if sample.address:
            self._address(sample.address).add(sample)
        for address in sample.departed_addresses:
            self._address(address).rerouted += 1
        if since_start_ns >= self._warm_up_ns:
            self._judge(sample, since_start_ns)
        else:
            self._warm_up.add(sample)
        self._seconds.at(sample.finished_ns - self._start_ns).end(sample)

    def drop(self, upload_number: int, now_ns: int, own_ns: int = 0) -> bool:
        """Count an arrival that was begun under this number and got no virtual user in time.

        `own_ns` is how much of its wait our own side caused. Its response time would have been longer than its wait, so
        the wait enters the response times, unless our own side alone held it up. Gives whether that was so.
        """
        wait_ns = max(self._max_lateness_ns, now_ns - self._in_flight[upload_number])
        withheld = is_withheld(wait_ns, own_ns)
        if (segment := self._drop(upload_number, now_ns)) is None:
            return withheld
        self._own.drop(wait_ns, own_ns)
        if self._climb:
            self._climb.plateaus[segment].drop(wait_ns, own_ns)
        if not withheld:
            self._segment_response[segment].add(wait_ns)
        return withheld

    def drop_at_end(self, upload_number: int, now_ns: int, own_ns: int, remaining_ns: int) -> bool:
        """Count an arrival that the end of the load came upon before anything of it was sent.

        It enters the response times at its age, like whatever is cut, unless our own side alone held it up. Gives
        whether that was so.
        `own_ns` is how much of its wait our own side caused, `remaining_ns` how much longer it might have lasted.
        """
        wait_ns = max(0, now_ns - self._in_flight[upload_number])
        withheld = is_withheld(wait_ns, own_ns)
        if (segment := self._drop(upload_number, now_ns)) is None:
            return withheld
        self._own.drop(wait_ns, own_ns)
        if self._climb:
            self._climb.plateaus[segment].drop_at_end(wait_ns, own_ns, remaining_ns)
        if not withheld:
            self._segment_response[segment].add(wait_ns)
            self._censored.add(wait_ns, None, remaining_ns)
        return withheld

    def _drop(self, upload_number: int, now_ns: int) -> int | None:
        """Count a dropped arrival; give the segment that it is judged in, None in the warm-up."""
        intended_ns = self._in_flight.pop(upload_number)
        self._last_activity_ns = max(self._last_activity_ns, now_ns)
        since_start_ns = intended_ns - self._start_ns
        self._seconds.at(since_start_ns).tally.dropped += 1
        self._seconds.at(now_ns - self._start_ns).lapsed += 1
        if since_start_ns < self._warm_up_ns:
            self._warm_up.dropped += 1
            return None
        segment = self._segment(since_start_ns)
        self._segment_counts[segment].dropped += 1
        return segment

    def withdraw(self, upload_number: int) -> None:
        """Forget an upload that was begun under this number: nothing of it was sent, and nothing will be."""
        del self._in_flight[upload_number]
        self._withdrawn += 1

    @property
    def due(self) -> int:
        """How many uploads were due so far, without those that were withdrawn."""
        return self._last_upload_number - self._withdrawn

    def record_lateness(self, lateness_ns: int) -> None:
        """Note how late an arrival found a free virtual user."""
        self._lateness.add(max(0, lateness_ns))

    def record_wait(self, due_ns: int, *, is_held_up: bool) -> None:
        """Note that an arrival found no free virtual user; `is_held_up` if it would have, but for our own side."""
        self._user_limit_hits += 1
        for own in (self._own, *self._own_of_plateau(due_ns)):
            own.held_up += is_held_up

    def record_offer(self, due_ns: int, offered: int, planned: int) -> None:
        """Note how much was offered of a piece of the planned load that was due at this instant."""
        if due_ns - self._start_ns >= self._warm_up_ns:
            self._own.offered += offered
            self._own.planned += planned
            for own in self._own_of_plateau(due_ns) if self._climb else ():
                own.offered += offered
                own.planned += planned

    def record_lag(self, lag_ns: int) -> None:
        """Note how late the event loop woke a sleeper."""
        for own in (self._own, *self._own_of_plateau(self._last_activity_ns)):
            own.lag.add(lag_ns)

    def _own_of_plateau(self, at_ns: int) -> tuple[OwnTally, ...]:
        """The own part of the plateau that an instant lies in; nothing in a step that does not climb."""
        return (self._climb.plateaus[self._segment(at_ns - self._start_ns)].own,) if self._climb else ()

    def record_users(self, users: int, now_ns: int) -> None:
        """Note how many virtual users are at work in the open model."""
        self._seconds.record_users(users, now_ns - self._start_ns)

    def mark_complete(self) -> None:
        """The load of this step ran to its natural end, cut short by nobody."""
        self._is_complete = True

    def end(self, load_end_ns: int | None = None) -> None:
        """Nothing of this step is under way or will come. Its load ended at this instant, else with what came last."""
        if self._end_ns is None:
            self._end_ns = self._last_activity_ns if load_end_ns is None else load_end_ns

    def read(self, since: int, now_ns: int) -> StepAggregate:
        """The step as it stands, with those seconds that changed after reading number `since`."""
        self._count_finished()
        if self._end_ns is None and now_ns >= self._start_ns:
            self._last_activity_ns = max(self._last_activity_ns, now_ns)
            self._seconds.add_until(now_ns - self._start_ns)
        in_flight = sorted(self._in_flight.items(), key=itemgetter(1))
        segment_response = tuple(builder.snapshot() for builder in self._segment_response)
        segment_counts = tuple(tally.counts() for tally in self._segment_counts)
        judged_counts = merged_counts(segment_counts)
        return StepAggregate(
            step=self._number,
            total=judged_counts.merge(self._warm_up.counts()),
            judged=judged_counts,
            errors=dict(self._errors),
            causes=self._causes.counts(),
            response=merged_sketch(segment_response),
            service=self._service.snapshot(),
            rejected_response=self._rejected_response.snapshot(),
            seconds=self._seconds.changed_after(since),
            segment_response=segment_response,
            segment_counts=segment_counts,
            parts=self._parts.parts(),
            addresses=limit_addresses({address: tally.counts() for address, tally in self._addresses.items()}),
            lateness=self._lateness.snapshot(),
            vu_limit_reached=self._user_limit_hits,
            own=self._own.own_time(),
            censored=self._censored.times(),
            load_seconds=self._load_seconds(now_ns),
            in_flight=len(self._in_flight),
            in_flight_ages_seconds=self._oldest_ages_seconds(in_flight, now_ns),
            finished_pods=self._is_complete,
            silence=self._silence_at_the_end(),
            start_seconds=self._start_seconds,
            slowest=self._slowest.samples(),
            plateaus=()
            if self._climb is None
            else self._climb.aggregates(
                load_ns=int(self._load_seconds(now_ns) * NANOSECONDS),
                now_ns=now_ns,
                in_flight=in_flight,
                oldest_ages_seconds=self._oldest_ages_seconds,
                has_ended=self._end_ns is not None,
            ),
        )

    def _oldest_ages_seconds(self, in_flight: Sequence[tuple[int, int]], now_ns: int) -> tuple[float, ...]:
        """The ages of those that were due first, the oldest first, without the part of our own side."""
        ages_ns = (self._age_ns(number, intended_ns, now_ns) for number, intended_ns in in_flight[:MOST_IN_FLIGHT_AGES])
        return tuple(sorted((age_ns / NANOSECONDS for age_ns in ages_ns), reverse=True))

    def begin_reading(self, number: int) -> None:
        """What is recorded from now on belongs to the reading of this number."""
        self._seconds.next_reading = number

    def _silence_at_the_end(self) -> Silence:
        """When the target did not answer; nothing before the step is over, because the seconds tell until then."""
        if self._end_ns is None or self._in_flight:
            return Silence()
        if self._silence is None:
            self._silence = self._seconds.silence()
        return self._silence

    def _judge(self, sample: Sample, since_start_ns: int) -> None:
        segment = self._segment(since_start_ns)
        self._segment_counts[segment].add(sample)
        response_ns = max(0, sample.finished_ns - sample.intended_ns)
        service_ns = max(0, sample.finished_ns - sample.sent_ns)
        error = sample.error
        self._slowest.add(sample)
        if self._climb:
            self._climb.plateaus[segment].add(sample, response_ns, service_ns)
        if error is not None:
            self._own.count_own_failure(sample, response_ns)
            outcome = sample.outcome
            if outcome is Outcome.REJECTED:
                self._rejected_response.add(response_ns)
                return
            if outcome is Outcome.VIOLATION:
                return
            if error is ErrorKind.CANCELLED:
                self._censored.add(response_ns, service_ns, sample.remaining_ns)
        self._service.add(service_ns)
        self._own.add(sample, response_ns, service_ns)
        self._segment_response[segment].add(response_ns)
        self._parts.add(sample.parts)

    def _segment(self, since_start_ns: int) -> int:
        return min(bisect_right(self._segment_ends_ns, since_start_ns), len(self._segment_counts) - 1)

    def _address(self, address: str) -> AddressTally:
        tally = self._addresses.get(address)
        if tally is None:
            tally = self._addresses[address] = AddressTally()
        return tally

    def _load_seconds(self, now_ns: int) -> float:
        end_ns = now_ns if self._end_ns is None else self._end_ns
        return min(self._step.duration_seconds, max(0, end_ns - self._start_ns) / NANOSECONDS)


def _time_since_due(_upload_number: int, intended_ns: int, now_ns: int) -> int:
    return max(0, now_ns - intended_ns)
