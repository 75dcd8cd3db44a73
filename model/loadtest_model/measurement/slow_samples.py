"""The uploads that took longest, a few of each step."""

from collections.abc import Iterable
from heapq import nlargest
from itertools import chain
from typing import Final

from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.values import WireValue

MOST_SLOW_SAMPLES: Final = 10


class SlowSample(WireValue, frozen=True, kw_only=True):
    """One upload. `at_nanoseconds` is its intended start, counted from the start of its step.

    `trace_id` is empty if it carried no `traceparent`.
    """

    pod_index: int
    at_nanoseconds: int
    response_nanoseconds: int
    service_nanoseconds: int
    address: str = ""
    error: ErrorKind | None = None
    status: int | None = None
    trace_id: str = ""

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.error)


def slowest_samples(parts: Iterable[tuple[SlowSample, ...]]) -> tuple[SlowSample, ...]:
    """The slowest of all parts, the slowest first: the same ones in whatever order and grouping they are merged."""
    samples = list(chain.from_iterable(parts))
    if len(samples) > MOST_SLOW_SAMPLES:
        # A fleet has thousands, at each look.
        least = nlargest(MOST_SLOW_SAMPLES, [sample.response_nanoseconds for sample in samples])[-1]
        samples = [sample for sample in samples if sample.response_nanoseconds >= least]
    return tuple(sorted(samples, key=_rank)[:MOST_SLOW_SAMPLES])


def _rank(sample: SlowSample) -> tuple[int, int, int, int, str, str, int, str]:
    """A total order, so that uploads that took equally long are chosen alike everywhere."""
    return (
        -sample.response_nanoseconds,
        sample.pod_index,
        sample.at_nanoseconds,
        sample.service_nanoseconds,
        sample.address,
        sample.error or "",
        sample.status or 0,
        sample.trace_id,
    )
