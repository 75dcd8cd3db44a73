"""When uploads are due in the open model: one schedule for the whole fleet, of which each pod takes its own part.

The schedule is a function of the rates and of seeded numbers, so every pod has the same without exchanging a word.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate, count
from typing import Final

from loadtest_model.values import WireValue

Draw = Callable[[], float]

# Sums of rates times seconds are rounded; an arrival that is due at the very end must not depend on it.
_ROUNDING_MARGIN: Final = 1e-9


class ArrivalProcess(StrEnum):
    """How arrivals are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"


class RateSegment(WireValue, frozen=True, kw_only=True):
    """A piece of a load profile: arrivals a second change linearly from `first_per_second` to `last_per_second`."""

    duration_seconds: float
    first_per_second: float
    last_per_second: float

    @property
    def arrivals(self) -> float:
        """How many arrivals are due in it, as the integral of the rate."""
        return self.duration_seconds * (self.first_per_second + self.last_per_second) / 2


class Arrivals(WireValue, frozen=True, kw_only=True):
    """The open model of a step: how arrivals are spaced, and how long a due one waits for a free virtual user."""

    process: ArrivalProcess
    rates: tuple[RateSegment, ...]
    max_lateness_seconds: float


def rate_profile(stages: Sequence[tuple[float, float]]) -> tuple[RateSegment, ...]:
    """The segments of stages given as (duration in seconds, arrivals a second at the end); the first begins at 0.

    A stage of no length moves the rate at once and leaves no segment.
    """
    segments = []
    level = 0.0
    for duration_seconds, rate in stages:
        if duration_seconds > 0:
            segments.append(
                RateSegment(duration_seconds=duration_seconds, first_per_second=level, last_per_second=rate)
            )
        level = rate
    return tuple(segments)


def rate_plateaus(duration_seconds: float, rate: float, shares: Sequence[float]) -> tuple[RateSegment, ...]:
    """Equally long plateaus at the given shares of a rate."""
    length = duration_seconds / len(shares)
    return tuple(
        RateSegment(duration_seconds=length, first_per_second=rate * share, last_per_second=rate * share)
        for share in shares
    )


def peak_rate(rates: Sequence[RateSegment]) -> float:
    return max((max(segment.first_per_second, segment.last_per_second) for segment in rates), default=0.0)


def expected_arrivals(rates: Sequence[RateSegment]) -> int:
    """How many arrivals a constant schedule has; that of a Poisson schedule has this mean, but for rounding."""
    return max(0, math.ceil(sum(segment.arrivals for segment in rates) - _ROUNDING_MARGIN))


def due_seconds(arrivals: Arrivals, draw: Draw, index: int = 0, pods: int = 1) -> Iterator[float]:
    """When the arrivals of pod `index` of `pods` are due, in seconds from the step's start, ascending.

    These are the arrivals k = index (mod pods) of the fleet's schedule. In a constant one, arrival k is due when the
    integral of the rate reaches k; in a Poisson one, when it reaches the sum of k + 1 exponential gaps of mean 1.
    `draw` gives numbers from [0, 1), to every pod the same.
    """
    positions = map(float, count()) if arrivals.process == ArrivalProcess.CONSTANT else _poisson(draw)
    number = 0
    segment_begin = arrivals_before = 0.0
    position = next(positions)
    for segment in arrivals.rates:
        while position < arrivals_before + segment.arrivals - _ROUNDING_MARGIN:
            if number % pods == index:
                yield segment_begin + _seconds_into(segment, position - arrivals_before)
            number += 1
            position = next(positions)
        segment_begin += segment.duration_seconds
        arrivals_before += segment.arrivals


def _poisson(draw: Draw) -> Iterator[float]:
    """The arrivals of a Poisson process of rate 1."""
    return accumulate(-math.log(1.0 - draw()) for _ in count())


def _seconds_into(segment: RateSegment, position: float) -> float:
    """The root t of r t + s t^2 / 2 = position, in the form that loses no digits where r or s is small."""
    position = max(0.0, position)
    if position == 0.0:
        return 0.0
    rate = segment.first_per_second
    slope = (segment.last_per_second - rate) / segment.duration_seconds
    root = math.sqrt(max(0.0, rate * rate + 2 * slope * position))
    return min(segment.duration_seconds, 2 * position / (rate + root))
