"""Whole numbers of uploads, over a step and over each of its seconds."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from loadtest_model.measurement.coarse_times import CoarseTimes, merged_coarse_times
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.values import WireValue


# A restarted operator reads a million of these two of a large fleet, which refer to nothing that could refer back.
class Counts(WireValue, frozen=True, kw_only=True, gc=False):
    """How many uploads came to what. `due` = `sent` + `dropped`; `sent` = the sum of the four outcomes.

    `cancelled` are those among the unknown that we cut ourselves. `rerouted` are those of the sent, whatever they came
    to, that went to another address since the one they were meant for had left the target and took no connection.
    """

    due: int = 0
    sent: int = 0
    dropped: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    violation: int = 0
    cancelled: int = 0
    rerouted: int = 0
    records_sent: int = 0
    records_confirmed: int = 0
    bytes_sent: int = 0

    def merge(self, other: "Counts") -> "Counts":
        return merged_counts([self, other])

    @property
    def is_conserved(self) -> bool:
        outcomes = self.accepted + self.rejected + self.unknown + self.violation
        return self.due == self.sent + self.dropped and self.sent == outcomes

    @property
    def errors(self) -> int:
        """Rejected, unknown, violating and dropped, without what we cancelled ourselves."""
        return self.rejected + self.unknown + self.violation + self.dropped - self.cancelled

    @property
    def error_rate(self) -> float | None:
        """Errors over due, without what we cancelled ourselves; None if nothing was due."""
        due = self.due - self.cancelled
        return self.errors / due if due > 0 else None

    @property
    def success_rate(self) -> float | None:
        return None if self.error_rate is None else 1 - self.error_rate


def merged_counts(parts: Sequence[Counts]) -> Counts:
    """All counts added up."""
    # Column by column, in the interpreter's own loops: a fleet merges some hundred thousand of them at each look.
    sums = map(sum, zip(*map(structs.astuple, parts), strict=True))
    return Counts(**dict(zip(Counts.__struct_fields__, sums, strict=False)))


class Second(WireValue, frozen=True, kw_only=True, gc=False):
    """One second of a step. An upload's counts stand in the second of its intended start.

    `ended` counts the uploads that came to any of their outcomes in this second, whenever they began; those of them
    that were answered are `answers`, and `records_answered` and `response_nanoseconds_sum` stand with them. `failed`
    are those of `ended` that were not accepted, without what we cut ourselves, and `lapsed` the arrivals that were
    dropped in this second. `errors` divides `ended`, without the accepted, by the kind of error, those that we cut
    included. `answer_times` are the response times of `answers`; a pod of version 0.1.0 does not tell either.
    """

    second: int
    counts: Counts
    virtual_users: int
    ended: int = 0
    answers: int = 0
    records_answered: int = 0
    response_nanoseconds_sum: int = 0
    failed: int = 0
    lapsed: int = 0
    errors: dict[ErrorKind, int] = {}
    answer_times: CoarseTimes = ()

    @property
    def accepted(self) -> int:
        """How many of `ended` were accepted; `counts` has those that were to begin in this second."""
        # A pod of version 0.1.0 tells only of failures that we did not cut.
        return self.ended - max(self.failed, sum(self.errors.values()))


def merged_seconds(parts: Iterable[tuple[Second, ...]]) -> tuple[Second, ...]:
    """The seconds of several parts, those of one number as one, in their order."""
    by_number: dict[int, list[Second]] = {}
    for seconds in parts:
        for second in seconds:
            same_second = by_number.get(second.second)
            if same_second is None:
                by_number[second.second] = [second]
            else:
                same_second.append(second)
    return tuple(_merged_second(number, same) for number, same in sorted(by_number.items()))


def _merged_second(number: int, parts: list[Second]) -> Second:
    if len(parts) == 1:
        return parts[0]
    columns = dict(zip(Second.__struct_fields__, zip(*map(structs.astuple, parts), strict=True), strict=True))
    del columns["second"]
    return Second(
        second=number,
        counts=merged_counts(columns.pop("counts")),
        errors=merged_errors(columns.pop("errors")),
        answer_times=merged_coarse_times(columns.pop("answer_times")),
        **{name: sum(column) for name, column in columns.items()},
    )


def merged_errors(parts: Iterable[dict[ErrorKind, int]]) -> dict[ErrorKind, int]:
    """The numbers of uploads with each kind of error added up, in the order of the kinds."""
    sums: dict[ErrorKind, int] = {}
    for errors in parts:
        for kind, count in errors.items():
            sums[kind] = sums.get(kind, 0) + count
    return {kind: sums[kind] for kind in sorted(sums)}
