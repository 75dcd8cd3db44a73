"""Counts that grow by whole samples."""

from collections import Counter
from collections.abc import Iterable, Sequence

from loadgen.http.upload_progress import PartNanoseconds
from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.samples import Sample
from loadtest_model.measurement.causes import CUT_CAUSES, Cause, cause_of
from loadtest_model.measurement.coarse_times import CoarseTimes, bucket_of, buckets_of, coarse_times
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.upload_parts import UploadPart, UploadParts


class Tally:
    """The counts of some part of a step."""

    __slots__ = (
        "accepted",
        "bytes_sent",
        "cancelled",
        "dropped",
        "records_confirmed",
        "records_sent",
        "rejected",
        "rerouted",
        "unknown",
        "violation",
    )

    def __init__(self) -> None:
        self.accepted = self.rejected = self.unknown = self.violation = self.cancelled = self.dropped = 0
        self.records_sent = self.records_confirmed = self.bytes_sent = self.rerouted = 0

    def add(self, sample: Sample) -> None:
        if sample.error is None:
            self.accepted += 1
        else:
            self._add_failure(sample.error)
        self.records_sent += sample.rows if sample.has_begun else 0
        self.records_confirmed += sample.records_confirmed
        self.bytes_sent += sample.bytes_sent
        self.rerouted += bool(sample.departed_addresses)

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        """Count as `add` does, all at once."""
        self.accepted += uploads.count
        self.records_sent += uploads.records_sent
        self.records_confirmed += uploads.records_confirmed
        self.bytes_sent += uploads.bytes_sent

    def _add_failure(self, error: ErrorKind) -> None:
        match outcome_of(error):
            case Outcome.REJECTED:
                self.rejected += 1
            case Outcome.UNKNOWN:
                self.unknown += 1
            case _:
                self.violation += 1
        self.cancelled += error is ErrorKind.CANCELLED

    def counts(self) -> Counts:
        sent = self.accepted + self.rejected + self.unknown + self.violation
        return Counts(due=sent + self.dropped, sent=sent, **{name: getattr(self, name) for name in self.__slots__})


class SecondTally:
    """The counts of one second. `last_change_reading` is the number of the first reading that shows its last change.

    `last_value` is what the last reading showed of this second; None if the second has changed since.
    """

    __slots__ = (
        "_answer_times",
        "_errors",
        "_unpacked_times",
        "answers",
        "ended",
        "failed",
        "lapsed",
        "last_change_reading",
        "last_value",
        "records_answered",
        "response_ns_sum",
        "tally",
        "users",
    )

    def __init__(self, users: int, last_change_reading: int) -> None:
        self.last_value: Second | None = None
        self.tally = Tally()
        self.users = users
        self.ended = self.answers = self.records_answered = self.response_ns_sum = self.failed = self.lapsed = 0
        self.last_change_reading = last_change_reading
        self._errors: dict[ErrorKind, int] | None = None
        self._answer_times: CoarseTimes = ()
        self._unpacked_times: list[int] = []

    def end(self, sample: Sample) -> None:
        """An upload ended in this second, whenever it began."""
        self.ended += 1
        error = sample.error
        if error is not None:
            self.failed += error is not ErrorKind.CANCELLED
            if self._errors is None:
                self._errors = {}
            self._errors[error] = self._errors.get(error, 0) + 1
        if sample.has_begun and (error is None or outcome_of(error) is not Outcome.UNKNOWN):
            self.answers += 1
            self.records_answered += sample.records_confirmed
            response_ns = sample.finished_ns - sample.intended_ns
            self.response_ns_sum += response_ns
            self._unpacked_times.append(response_ns)

    def end_accepted(self, uploads: AcceptedUploads) -> None:
        """As `end`, for all at once."""
        self.ended += uploads.count
        self.answers += uploads.count
        self.records_answered += uploads.records_confirmed
        self.response_ns_sum += sum(uploads.responses_ns)
        self._unpacked_times += uploads.responses_ns

    def second(self, number: int, users: int) -> Second:
        """The second of this number, with so many virtual users at work."""
        return Second(
            second=number,
            counts=self.tally.counts(),
            virtual_users=users,
            ended=self.ended,
            answers=self.answers,
            records_answered=self.records_answered,
            response_nanoseconds_sum=self.response_ns_sum,
            failed=self.failed,
            lapsed=self.lapsed,
            errors=dict(self._errors) if self._errors else {},
            answer_times=self.pack_times(),
        )

    def pack_times(self) -> CoarseTimes:
        """The response times of the answers, which take little room from now on until another is added."""
        if self._unpacked_times:
            buckets = buckets_of(self._answer_times)
            for bucket, count in Counter(map(bucket_of, self._unpacked_times)).items():
                buckets[bucket] = buckets.get(bucket, 0) + count
            self._answer_times, self._unpacked_times = coarse_times(buckets), []
        return self._answer_times


class PartTally:
    """One part over many uploads."""

    __slots__ = ("count", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self.count = self.sum_ns = self.max_ns = 0

    def add(self, nanoseconds: int) -> None:
        self.count += 1
        self.sum_ns += nanoseconds
        if nanoseconds > self.max_ns:  # noqa: PLR1730 - for each upload, where calls are the cost
            self.max_ns = nanoseconds

    def add_all(self, nanoseconds: Sequence[int | None]) -> None:
        times = [time for time in nanoseconds if time is not None]
        if times:
            self.count += len(times)
            self.sum_ns += sum(times)
            self.max_ns = max(self.max_ns, *times)

    def part(self) -> UploadPart:
        return UploadPart(count=self.count, sum_nanoseconds=self.sum_ns, max_nanoseconds=self.max_ns)


class PartsTally:
    """The parts of the uploads' time."""

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies = tuple(PartTally() for _ in PartNanoseconds._fields)

    def add(self, times: PartNanoseconds) -> None:
        for tally, nanoseconds in zip(self._tallies, times, strict=True):
            if nanoseconds is not None:
                tally.add(nanoseconds)

    def add_all(self, times: Iterable[PartNanoseconds]) -> None:
        for tally, nanoseconds in zip(self._tallies, zip(*times, strict=True), strict=True):
            tally.add_all(nanoseconds)

    def parts(self) -> UploadParts:
        return UploadParts(
            **{name: tally.part() for name, tally in zip(PartNanoseconds._fields, self._tallies, strict=True)}
        )


class AddressTally:
    """The uploads to one address, and those that went elsewhere because it had left."""

    __slots__ = ("accepted", "cut", "failed", "refused", "rerouted", "sent", "stale", "unanswered")

    def __init__(self) -> None:
        self.sent = self.accepted = self.failed = self.rerouted = 0
        self.refused = self.unanswered = self.cut = self.stale = 0

    def add(self, sample: Sample) -> None:
        self.sent += 1
        if sample.error is None:
            self.accepted += 1
        else:
            self.failed += sample.error is not ErrorKind.CANCELLED
            self.refused += sample.error is ErrorKind.REFUSED
            self.unanswered += sample.error is ErrorKind.CONNECT_TIMEOUT
            cause = sample.cause or cause_of(sample.error)
            self.cut += sample.error is ErrorKind.RESET and cause in CUT_CAUSES
            self.stale += cause is Cause.STALE_CONNECTION

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        """Count as `add` does, all at once."""
        self.sent += uploads.count
        self.accepted += uploads.count

    def counts(self) -> AddressCounts:
        return AddressCounts(**{name: getattr(self, name) for name in self.__slots__})
