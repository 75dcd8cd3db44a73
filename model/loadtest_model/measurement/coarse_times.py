"""The durations of one second: whole counts in coarse buckets, which add up exactly over pods and over seconds.

A run has a second for each pod and each second of its load, so there is no room for a sketch in it. The buckets are
those of a sketch, four joined into one. Those that hold something are written as a flat list of pairs: how far a bucket
lies above the one before it (the first one: its number), and its count.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from loadtest_model.measurement.sketch import GAMMA, GREATEST_SECONDS, LEAST_SECONDS, nearest_rank
from loadtest_model.values import NANOSECONDS

_COARSENESS: Final = 2
_GAMMA: Final = GAMMA ** (2**_COARSENESS)
_LOG_GAMMA: Final = math.log(_GAMMA)
COARSE_ERROR: Final = (_GAMMA - 1) / (_GAMMA + 1)
"""The bound on a quantile's relative error: 4 %. It holds from 1 microsecond to 100,000 seconds."""

COARSE_WIDTH: Final = _GAMMA - 1
"""The width of a bucket over its lower end: 8 %."""

CoarseTimes = tuple[int, ...]


def bucket_of(nanoseconds: int) -> int:
    """The number of the bucket that a duration lies in. What no bucket holds counts in the first or the last."""
    seconds = nanoseconds / NANOSECONDS
    if not LEAST_SECONDS <= seconds <= GREATEST_SECONDS:
        seconds = LEAST_SECONDS if seconds < LEAST_SECONDS else GREATEST_SECONDS
    return math.ceil(math.log(seconds) / _LOG_GAMMA)


def coarse_times(buckets: Mapping[int, int]) -> CoarseTimes:
    """Counts by the numbers of their buckets, as they are written."""
    times: list[int] = []
    previous = 0
    for bucket in sorted(buckets):
        times += (bucket - previous, buckets[bucket])
        previous = bucket
    return tuple(times)


def buckets_of(times: CoarseTimes) -> dict[int, int]:
    """Counts by the numbers of their buckets."""
    buckets = {}
    bucket = 0
    for distance, count in zip(times[::2], times[1::2], strict=False):
        bucket += distance
        buckets[bucket] = count
    return buckets


def merged_coarse_times(parts: Iterable[CoarseTimes]) -> CoarseTimes:
    """All counts added up."""
    buckets: dict[int, int] = {}
    for part in parts:
        for bucket, count in buckets_of(part).items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return coarse_times(buckets)


def coarse_count(times: CoarseTimes) -> int:
    """How many durations there are."""
    return sum(times[1::2])


def coarse_quantile_seconds(
    times: CoarseTimes, quantile: float, average_seconds: float | None = None, greatest_seconds: float | None = None
) -> float | None:
    """The nearest-rank quantile within `COARSE_ERROR`; None if there are no durations.

    If the exact average is given and lies in the upper half of the bucket, it stands for the quantile, within
    `COARSE_WIDTH`. A high quantile then is below the average only if the durations themselves say so.

    If a greatest duration is given and lies in the lower half of the bucket, the quantile is at most that. One below
    the bucket is not the greatest of these durations, and does not count.
    """
    rank = nearest_rank(quantile, coarse_count(times))
    for bucket, count in buckets_of(times).items():
        rank -= count
        if rank <= 0:
            middle = float(2 * _GAMMA**bucket / (_GAMMA + 1))
            if greatest_seconds is not None and bucket_of(round(greatest_seconds * NANOSECONDS)) == bucket:
                middle = min(middle, greatest_seconds)
            if average_seconds is not None and bucket_of(round(average_seconds * NANOSECONDS)) == bucket:
                return max(middle, average_seconds)
            return middle
    return None


def interpolated_seconds(times: CoarseTimes, rank: int, sum_seconds: float) -> float:
    """An estimate of the duration with this rank among the durations, from 1, given their exact sum.

    Each bucket is taken to be evenly filled, on a logarithmic scale. All is then scaled by the exact sum over the sum
    of such durations, so that an estimate moves with durations that all lie in one bucket. Two estimates can be
    compared more closely than two quantiles by whole buckets.
    """
    buckets = buckets_of(times)
    mean_over_lower_end = COARSE_WIDTH / _LOG_GAMMA
    modelled_sum = sum(count * _GAMMA ** (bucket - 1) * mean_over_lower_end for bucket, count in buckets.items())
    lower_ranks = 0
    for bucket, count in buckets.items():
        if rank <= lower_ranks + count:
            share = (rank - lower_ranks - 0.5) / count
            return float(_GAMMA ** (bucket - 1 + share) * sum_seconds / modelled_sum)
        lower_ranks += count
    raise ValueError(f"there are {lower_ranks} durations, so none has the rank {rank}")
