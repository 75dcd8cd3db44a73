"""A mergeable summary of durations: exact count, sum, least and greatest; quantiles within one per cent.

The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019): bucket i holds the values in (g^(i-1), g^i] with g = (1 + a) / (1 - a), and
its middle 2 g^i / (g + 1) lies within the relative error a of each of them.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from loadtest_model.values import NANOSECONDS, WireValue

RELATIVE_ERROR: Final = 0.01
GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA: Final = math.log(GAMMA)
LEAST_SECONDS: Final = 1e-6
GREATEST_SECONDS: Final = 1e5
_FOLD_AT: Final = 1_024
"""How many durations are kept before they are counted; one by one that takes several times as long."""


class Sketch(WireValue, frozen=True, kw_only=True):
    """A distribution of durations.

    `buckets` maps a bucket's number to its count. Each `coarseness` step joins pairs of buckets, so that g is
    squared. Durations below 1 microsecond or above 100,000 seconds are counted in `underflow` and `overflow`.
    """

    count: int = 0
    sum_nanoseconds: int = 0
    min_nanoseconds: int | None = None
    max_nanoseconds: int | None = None
    underflow: int = 0
    overflow: int = 0
    coarseness: int = 0
    buckets: dict[int, int] = {}

    @property
    def relative_error(self) -> float:
        """The bound on a quantile's relative error at this coarseness."""
        gamma = GAMMA ** (2**self.coarseness)
        return float((gamma - 1) / (gamma + 1))

    @property
    def mean_seconds(self) -> float | None:
        return self.sum_nanoseconds / self.count / NANOSECONDS if self.count else None

    @property
    def variance_seconds(self) -> float:
        """The variance of the durations, from the middles of their buckets; 0 of fewer than two."""
        if self.count < 2 or not self.buckets:
            return 0.0
        gamma = GAMMA ** (2**self.coarseness)
        middles = [(2 * gamma**bucket / (gamma + 1), count) for bucket, count in self.buckets.items()]
        number = sum(count for _, count in middles)
        mean = sum(middle * count for middle, count in middles) / number
        return float(sum(count * (middle - mean) ** 2 for middle, count in middles) / number)

    @property
    def max_seconds(self) -> float | None:
        return None if self.max_nanoseconds is None else self.max_nanoseconds / NANOSECONDS

    def merge(self, other: "Sketch") -> "Sketch":
        """Both distributions in one, as coarse as the coarser of them."""
        return merged_sketch([self, other])

    def without(self, part: "Sketch") -> "Sketch":
        """The rest of this distribution, of which `part` is a part.

        Its least and greatest value are those of its buckets, so they lie within two relative errors of the exact ones.
        """
        count = self.count - part.count
        if not part.count or count <= 0:
            return self if count > 0 else Sketch()
        coarseness = max(self.coarseness, part.coarseness)
        whole, removed = self.coarsen(coarseness), part.coarsen(coarseness)
        buckets = {
            bucket: left
            for bucket, number in whole.buckets.items()
            if (left := number - removed.buckets.get(bucket, 0)) > 0
        }
        overflow = whole.overflow - removed.overflow
        greatest = whole.max_nanoseconds
        if overflow <= 0 and greatest is not None and greatest == removed.max_nanoseconds:
            edge_seconds = GAMMA ** (2**coarseness * max(buckets)) if buckets else LEAST_SECONDS
            greatest = min(greatest, int(edge_seconds * NANOSECONDS))
        return Sketch(
            count=count,
            sum_nanoseconds=whole.sum_nanoseconds - removed.sum_nanoseconds,
            min_nanoseconds=whole.min_nanoseconds,
            max_nanoseconds=greatest,
            underflow=whole.underflow - removed.underflow,
            overflow=overflow,
            coarseness=coarseness,
            buckets=buckets,
        )

    def count_above(self, seconds: float) -> int:
        """How many durations are surely above a bound: those in buckets that lie above it as a whole."""
        gamma = GAMMA ** (2**self.coarseness)
        count = sum(number for bucket, number in self.buckets.items() if gamma ** (bucket - 1) >= seconds)
        return count + (self.overflow if seconds <= GREATEST_SECONDS else 0)

    def coarsen(self, coarseness: int) -> "Sketch":
        """The same distribution in wider buckets. It never gets finer, and an empty one stays the empty one."""
        if not self.count:
            return Sketch()
        sketch = self
        while sketch.coarseness < coarseness:
            buckets: dict[int, int] = {}
            for bucket, count in sketch.buckets.items():
                pair = -(-bucket // 2)
                buckets[pair] = buckets.get(pair, 0) + count
            sketch = Sketch(
                count=sketch.count,
                sum_nanoseconds=sketch.sum_nanoseconds,
                min_nanoseconds=sketch.min_nanoseconds,
                max_nanoseconds=sketch.max_nanoseconds,
                underflow=sketch.underflow,
                overflow=sketch.overflow,
                coarseness=sketch.coarseness + 1,
                buckets=buckets,
            )
        return sketch

    def quantile_seconds(self, quantile: float) -> float | None:
        """The nearest-rank quantile, or None of an empty sketch.

        It lies within `relative_error` of the exact value, and never outside the exact minimum and maximum.
        """
        if self.min_nanoseconds is None or self.max_nanoseconds is None:
            return None
        least, greatest = self.min_nanoseconds / NANOSECONDS, self.max_nanoseconds / NANOSECONDS
        rank = nearest_rank(quantile, self.count)
        if rank >= self.count:
            return greatest
        cumulative_count = self.underflow
        if rank <= cumulative_count:
            return least
        gamma = GAMMA ** (2**self.coarseness)
        for bucket in sorted(self.buckets):
            cumulative_count += self.buckets[bucket]
            if rank <= cumulative_count:
                return float(min(max(2 * gamma**bucket / (gamma + 1), least), greatest))
        return greatest


def nearest_rank(quantile: float, count: int) -> int:
    """The rank of a quantile among so many values in ascending order, from 1.

    A quantile is meant as the decimal that it is written as. Its nearest float may lie above that decimal, and would
    then give the rank after the right one.
    """
    numerator, denominator = _decimal_ratio(quantile)
    return max(1, -(-numerator * count // denominator))


@lru_cache
def _decimal_ratio(quantile: float) -> tuple[int, int]:
    return Fraction(repr(quantile)).as_integer_ratio()


class SketchBuilder:
    """Collects durations one by one; `snapshot` gives what was collected so far."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0
        self._min: int | None = None
        self._max: int | None = None
        self._underflow = 0
        self._overflow = 0
        self._buckets: dict[int, int] = {}
        self._uncounted: list[int] = []

    def add(self, nanoseconds: int) -> None:
        """Collect one duration, in whole nanoseconds, not negative."""
        uncounted = self._uncounted
        uncounted.append(nanoseconds)
        if len(uncounted) >= _FOLD_AT:
            self._fold()

    def add_all(self, nanoseconds: Sequence[int]) -> None:
        """Collect several durations, each as `add` does."""
        self._uncounted += nanoseconds
        if len(self._uncounted) >= _FOLD_AT:
            self._fold()

    def _fold(self) -> None:
        """Count what was collected since the last time."""
        uncounted, self._uncounted = self._uncounted, []
        if not uncounted:
            return
        self._count += len(uncounted)
        self._sum += sum(uncounted)
        least, greatest = min(uncounted), max(uncounted)
        self._min = least if self._min is None else min(self._min, least)
        self._max = greatest if self._max is None else max(self._max, greatest)
        buckets, log, ceil = self._buckets, math.log, math.ceil
        for nanoseconds in uncounted:
            seconds = nanoseconds / NANOSECONDS
            if seconds < LEAST_SECONDS:
                self._underflow += 1
            elif seconds > GREATEST_SECONDS:
                self._overflow += 1
            else:
                bucket = ceil(log(seconds) / _LOG_GAMMA)
                buckets[bucket] = buckets.get(bucket, 0) + 1

    def snapshot(self) -> Sketch:
        self._fold()
        return Sketch(
            count=self._count,
            sum_nanoseconds=self._sum,
            min_nanoseconds=self._min,
            max_nanoseconds=self._max,
            underflow=self._underflow,
            overflow=self._overflow,
            buckets=dict(self._buckets),
        )


def merged_sketch(sketches: Iterable[Sketch]) -> Sketch:
    """All distributions in one, as coarse as the coarsest of them."""
    non_empty = [sketch for sketch in sketches if sketch.count]
    if len(non_empty) < 2:
        return non_empty[0] if non_empty else Sketch()
    coarseness = max(sketch.coarseness for sketch in non_empty)
    buckets: dict[int, int] = {}
    for sketch in non_empty:
        for bucket, count in sketch.coarsen(coarseness).buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return Sketch(
        count=sum(sketch.count for sketch in non_empty),
        sum_nanoseconds=sum(sketch.sum_nanoseconds for sketch in non_empty),
        min_nanoseconds=min(sketch.min_nanoseconds for sketch in non_empty if sketch.min_nanoseconds is not None),
        max_nanoseconds=max(sketch.max_nanoseconds for sketch in non_empty if sketch.max_nanoseconds is not None),
        underflow=sum(sketch.underflow for sketch in non_empty),
        overflow=sum(sketch.overflow for sketch in non_empty),
        coarseness=coarseness,
        buckets=buckets,
    )


def sketch_of(nanoseconds: Iterable[int]) -> Sketch:
    builder = SketchBuilder()
    for value in nanoseconds:
        builder.add(value)
    return builder.snapshot()
