"""Whether a quantity grew while it was watched, by the Theil-Sen estimator.

The slope is the median of the slopes of all pairs of points, so that no few of them decide it. Its confidence interval
is Sen's ("Estimates of the regression coefficient based on Kendall's tau", JASA 1968): of the N slopes in order, the
lower bound is the one of rank (N - C) / 2 with C = z sqrt(n (n - 1) (2 n + 5) / 18) for n points.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Final

FEWEST_POINTS: Final = 20
MOST_POINTS: Final = 100
SHORTEST_SECONDS: Final = 60.0
LEAST_GROWTH: Final = 0.10
_Z: Final = 1.96
"""Of a two-sided interval of 95 %."""

_MEBIBYTE: Final = 1 << 20


def memory_sign(points: Sequence[tuple[float, float]]) -> str | None:
    """A sentence where memory, as (seconds, bytes) in the order of time, grew for certain and by a tenth or more.

    None if it did not, or if there are too few points or too little time to tell.
    """
    if len(points) < FEWEST_POINTS or points[-1][0] - points[0][0] < SHORTEST_SECONDS:
        return None
    # The pairs grow with the square of the points; evenly thinned, these tell the same.
    points = points[:: -(-len(points) // MOST_POINTS)]
    slope, least = theil_sen(points)
    if least <= 0:
        return None
    begin, end = points[0][0], points[-1][0]
    level = median(value - slope * (at - begin) for at, value in points)
    growth = slope * (end - begin)
    if level <= 0 or growth < LEAST_GROWTH * level:
        return None
    return (
        f"target memory grows: from {level / _MEBIBYTE:,.0f} MiB by {growth / _MEBIBYTE:,.0f} MiB"
        f" ({growth / level:.0%}) in {end - begin:.0f} s"
    )


def theil_sen(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The slope of points, and the lower bound of its confidence interval. Takes two different instants at least."""
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(points, 2)
        if later[0] != earlier[0]
    )
    count = len(points)
    spread = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    rank = math.floor((len(slopes) - spread) / 2)
    return median(slopes), slopes[max(0, rank - 1)] if rank >= 1 else -math.inf
