"""A step in blocks of seconds, by which runs are compared: their figures vary with chance, and tell by how much.

Only the seconds at the step's highest load are cut into blocks, because those at lower loads have figures of their own.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.measurement.coarse_times import (
    CoarseTimes,
    coarse_count,
    interpolated_seconds,
    merged_coarse_times,
)
from loadtest_model.measurement.counts import Second, merged_counts, merged_errors
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.sketch import nearest_rank
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS, WireValue

BLOCK_SECONDS: Final = 10
MOST_BLOCKS: Final = 120
BLOCKS_OF_A_SHORT_LOAD: Final = 10
PEAK_SHARE: Final = 0.9
"""From this share of the highest load on, a second counts as one at the highest load."""

LEAST_PEAK: Final = 0.25
"""If fewer of the seconds are at the highest load, as on a mere ramp, all are compared."""

_WITHOUT_ANSWER: Final = frozenset(
    kind for kind in ErrorKind if outcome_of(kind) is Outcome.UNKNOWN and kind is not ErrorKind.CANCELLED
)
_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class StepBlocks(WireValue, frozen=True, kw_only=True):
    """The figures of a step's blocks of so many `seconds`, by metric, in the order of time.

    A block in which no upload was answered has no times.
    """

    seconds: int = BLOCK_SECONDS
    figures: dict[str, Annotated[tuple[float, ...], Meta(max_length=MOST_BLOCKS)]] = {}


def blocks_of(step: Step, aggregate: StepAggregate, timeout_seconds: float) -> StepBlocks:
    """The blocks of a step. Uploads without an answer count in the times at their time-out."""
    numbers = compared_seconds(step, _load_end(step, aggregate))
    block_seconds = block_length(len(numbers))
    by_number = {second.second: second for second in aggregate.seconds}
    chunks = [
        [by_number[number] for number in numbers[begin : begin + block_seconds] if number in by_number]
        for begin in range(0, len(numbers) - block_seconds + 1, block_seconds)
    ]
    if not by_number:
        return StepBlocks(seconds=block_seconds)
    columns: dict[str, list[float]] = {}
    for chunk in chunks:
        for name, value in _figures(chunk, block_seconds, timeout_seconds):
            columns.setdefault(name, []).append(float(f"{value:.6g}"))
    return StepBlocks(seconds=block_seconds, figures={name: tuple(values) for name, values in columns.items()})


def block_length(seconds: int) -> int:
    """The length of blocks: 10 s, of a short load a tenth of it, of a long one so much that there are not too many."""
    if seconds < BLOCK_SECONDS * BLOCKS_OF_A_SHORT_LOAD:
        return max(1, seconds // BLOCKS_OF_A_SHORT_LOAD)
    return max(BLOCK_SECONDS, -(-seconds // MOST_BLOCKS))


def compared_seconds(step: Step, load_end: float) -> list[int]:
    """The whole seconds after the warm-up in which the load is at its highest, or all if those are few."""
    levels = list(_levels(step))
    highest = max((level for _, first, last in levels for level in (first, last)), default=0.0)
    numbers = range(math.ceil(step.warm_up_seconds), int(load_end))
    edges = [0.0]
    for duration, _, _ in levels:
        edges.append(edges[-1] + duration)
    at_peak: list[int] = []
    for (begin, end), (duration, first, last) in zip(pairwise(edges), levels, strict=True):
        for number in range(max(numbers.start, math.ceil(begin)), min(numbers.stop, math.floor(end))):
            ends = (first + (last - first) * (at - begin) / duration for at in (number, number + 1))
            if min(ends) >= PEAK_SHARE * highest - 1e-9:
                at_peak.append(number)
    return at_peak if len(at_peak) >= LEAST_PEAK * len(numbers) else list(numbers)


def _levels(step: Step) -> Iterator[tuple[float, float, float]]:
    """Each segment's length, and the load at both of its ends."""
    if step.arrivals is not None:
        for rate in step.arrivals.rates:
            yield rate.duration_seconds, rate.first_per_second, rate.last_per_second
        return
    for segment in step.segments:
        yield segment.duration_seconds, float(segment.first_users), float(segment.last_users)


def _load_end(step: Step, aggregate: StepAggregate) -> float:
    """When the load ended: as planned, or earlier if it was cut short or was a number of records."""
    if aggregate.finished_pods and step.records is None:
        return step.duration_seconds
    return min(step.duration_seconds, aggregate.load_seconds)


def _figures(seconds: Sequence[Second], length: int, timeout_seconds: float) -> Iterator[tuple[str, float]]:
    """The figures of one block by their metrics."""
    counts = merged_counts([second.counts for second in seconds]) if seconds else None
    yield "requests_per_second", (counts.accepted if counts else 0) / length
    yield "records_per_second", (counts.records_confirmed if counts else 0) / length
    yield "bytes_per_second", (counts.bytes_sent if counts else 0) / length
    if counts is not None and counts.error_rate is not None:
        yield "error_rate", counts.error_rate
    times = _BlockTimes(seconds, timeout_seconds)
    if not times.count:
        return
    yield "avg", times.average_seconds
    if times.are_all_known:
        for name, quantile in _QUANTILES.items():
            yield name, times.quantile_seconds(quantile)


class _BlockTimes:
    """The response times of the uploads that ended in a block, without those that were rejected.

    A second's times include the answers of rejected uploads and do not say which they are. The rejected are taken for
    the fastest and left out, so that fast errors never improve a figure. Uploads that got no answer, and arrivals that
    were dropped, are taken for the slowest, at the time-out.
    """

    def __init__(self, seconds: Sequence[Second], timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        answers = sum(second.answers for second in seconds)
        self._accepted = min(answers, sum(second.accepted for second in seconds))
        self._rejected = answers - self._accepted
        errors = merged_errors(second.errors for second in seconds)
        without_answer = sum(count for kind, count in errors.items() if kind in _WITHOUT_ANSWER)
        self._unanswered = without_answer + sum(second.lapsed for second in seconds)
        self._sum_seconds = sum(second.response_nanoseconds_sum for second in seconds) / NANOSECONDS
        self._times: CoarseTimes = merged_coarse_times(second.answer_times for second in seconds)
        # A pod of version 0.1.0 does not tell them.
        self.are_all_known = coarse_count(self._times) == answers
        self.count = self._accepted + self._unanswered

    @property
    def average_seconds(self) -> float:
        return (self._sum_seconds + self._unanswered * self._timeout_seconds) / self.count

    def quantile_seconds(self, quantile: float) -> float:
        rank = nearest_rank(quantile, self.count)
        if rank > self._accepted:
            return self._timeout_seconds
        return interpolated_seconds(self._times, self._rejected + rank, self._sum_seconds)
