"""From values to places on an axis, and the marks that an axis has."""

import math
from dataclasses import dataclass
from typing import Final

_TIME_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 432_000, 864_000),
)
"""Distances between the marks of a time axis, in seconds."""

_LEAST_VALUE: Final = 1e-12
"""What is smaller is nothing: no figure of a run is, whatever its unit."""

_PERCENTILES: Final = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, linear or logarithmic."""

    low: float
    high: float
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, as a share of the axis, which it never leaves."""
        low, high, place = self.low, self.high, value
        if self.is_logarithmic:
            low, high, place = math.log(low), math.log(high), math.log(max(value, self.low))
        if high <= low:
            return 0.0
        return min(1.0, max(0.0, (place - low) / (high - low)))


def scale_to(greatest: float, intervals: int = 2) -> tuple[Scale, tuple[float, ...]]:
    """An axis from 0 that has room for a value, and its marks at round numbers: 0 alone, if the value is 0."""
    if greatest <= _LEAST_VALUE:
        return Scale(0.0, 1.0), (0.0,)
    step = round_up(greatest / intervals)
    return Scale(0.0, step * intervals), tuple(step * number for number in range(intervals + 1))


def decades(least: float, greatest: float) -> tuple[Scale, tuple[float, ...]]:
    """A logarithmic axis of whole powers of ten, and its marks; both values are above 0."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(greatest))
    last = max(last, first + 1)
    return Scale(10.0**first, 10.0**last, is_logarithmic=True), tuple(10.0**power for power in range(first, last + 1))


def round_up(value: float) -> float:
    """The next number of the form 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0):
        if value <= factor * power * (1 + 1e-9):
            return factor * power
    return 10.0 * power


def time_marks(length_seconds: float, most: int = 6) -> tuple[float, ...]:
    """The marks of a time axis that begins at 0."""
    step = next((step for step in _TIME_STEPS if length_seconds / step <= most), _TIME_STEPS[-1])
    return tuple(float(step * number) for number in range(int(length_seconds / step) + 1))


@dataclass(frozen=True)
class PercentileScale:
    """An axis on which each further nine of a percentile has the same length; the maximum stands at its end."""

    nines: float

    def share(self, quantile: float) -> float:
        """Where a quantile lies, as a share of the axis."""
        if quantile >= 1.0:
            return 1.0
        return min(1.0, -math.log10(1.0 - quantile) / self.nines)

    @property
    def marks(self) -> tuple[float, ...]:
        """The quantiles that the axis names."""
        return tuple(quantile for quantile in _PERCENTILES if self.share(quantile) < 0.95)


def percentile_scale(greatest_quantile: float) -> PercentileScale:
    """The axis for quantiles up to one below 1, with room for the maximum behind it."""
    nines = -math.log10(1.0 - min(greatest_quantile, 0.999_999_9)) if greatest_quantile > 0 else 1.0
    return PercentileScale(max(1.0, nines) + 0.3)


def percentile_text(quantile: float) -> str:
    """A quantile as people name it: `p50`, `p99.9`; the ends are `min` and `max`."""
    if quantile <= 0.0:
        return "min"
    return "max" if quantile >= 1.0 else f"p{quantile * 100:.6g}"


def time_mark(seconds: float) -> str:
    """A round number of seconds at an axis: `250 ms`, `1.5 s`."""
    if seconds == 0:
        return "0"
    return f"{seconds:,.6g} s" if seconds >= 1 else f"{seconds * 1000:.6g} ms"
