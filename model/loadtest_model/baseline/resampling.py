"""How far a comparison of runs may be off by chance: a bootstrap over blocks and over runs.

A bootstrap draws from what was measured again and again, and looks how much the outcome varies. Of the median of
resampled values the distribution is known: it is at most the i-th of n values in order if at least half of n draws are
among the first i, each with probability i/n. So one number between 0 and 1 draws a median, however many values there
are. A mean is drawn from the normal distribution of means. The draws come from a generator that always begins alike, so
that the same measurements always have the same interval.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import comb, exp, log, sqrt
from statistics import NormalDist, fmean, median, stdev
from typing import Final, NamedTuple

from loadtest_model.thresholds.metrics import BlockAverage

DRAWS: Final = 1_000
CONFIDENCE: Final = 0.95

Draw = Callable[[], float]


class Range(NamedTuple):
    """The ends of an interval, both included."""

    low: float
    high: float


class Change(NamedTuple):
    """A run beside its baseline, with the intervals in which both, and the change from one to the other, may lie.

    The change is a share of the baseline, or a difference if the metric is a share itself.
    """

    value: float
    baseline: float
    baseline_range: Range
    change_range: Range


def average_of(values: Sequence[float], kind: BlockAverage) -> float:
    """What blocks come to."""
    return median(values) if kind == "median" else fmean(values)


def change_between(
    blocks: Sequence[float], earlier: Sequence[Sequence[float]], kind: BlockAverage, *, is_share: bool
) -> Change:
    """How a run differs from earlier ones, each given by the figures of its blocks, of which none may be empty.

    Only of a share may an earlier run come to 0.

    Three things vary in a draw: the blocks of this run, the earlier runs and their blocks, and how far a run lies from
    the others of its kind although nothing has changed. The last is known from two earlier runs on.
    """
    draw = uniform_draws()
    this_run = _average_sampler(blocks, kind, draw)
    samplers = [_average_sampler(values, kind, draw) for values in earlier]
    averages = [average_of(values, kind) for values in earlier]
    deviations = _deviations(averages, is_share=is_share)
    baselines, changes = [], []
    for _ in range(DRAWS):
        picked = [samplers[int(draw() * len(samplers))]() for _ in samplers]
        baseline = median(picked)
        deviation = deviations[int(draw() * len(deviations))]
        value = this_run()
        baselines.append(baseline)
        changes.append(value + deviation - baseline if is_share else value * exp(deviation) / baseline - 1)
    value = average_of(blocks, kind)
    return Change(value, median(averages), _middle(baselines), _middle(changes))


def uniform_draws() -> Draw:
    """Numbers between 0 and 1 that look random and are the same each time (Knuth's MMIX generator)."""

    def numbers() -> Iterator[float]:
        state = 0x853C49E6748FEA9B
        while True:
            state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
            yield (state >> 11) / (1 << 53)

    return numbers().__next__


@lru_cache(maxsize=64)
def median_distribution(count: int) -> tuple[float, ...]:
    """For each of so many values in order, the probability that a median of as many draws is at most that value.

    Of an even number of draws, the median is either of the two in the middle.
    """
    ranks = (count // 2, count // 2 + 1) if count % 2 == 0 else (count // 2 + 1,)
    return tuple(
        fmean(_at_least(rank, count, number / count) for rank in ranks) if number < count else 1.0
        for number in range(1, count + 1)
    )


def _at_least(least: int, draws: int, probability: float) -> float:
    """The probability of so many successes or more."""
    return sum(
        comb(draws, number) * probability**number * (1 - probability) ** (draws - number)
        for number in range(least, draws + 1)
    )


def _average_sampler(values: Sequence[float], kind: BlockAverage, draw: Draw) -> Callable[[], float]:
    """Draws what the blocks would come to if they were drawn anew."""
    if kind == "median":
        ordered, distribution = sorted(values), median_distribution(len(values))
        return lambda: ordered[bisect_left(distribution, draw())]
    mean = fmean(values)
    error = stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    normal = NormalDist()
    return lambda: mean + error * normal.inv_cdf(draw() or 0.5)


def _deviations(averages: Sequence[float], *, is_share: bool) -> list[float]:
    """How far each run lies from their middle: in points, or as the logarithm of a ratio.

    A few runs lie closer to their own middle than to that of all runs there might be, so the distances are widened.
    """
    count = len(averages)
    if count < 2:
        return [0.0]
    places = averages if is_share else [log(average) for average in averages]
    middle = fmean(places)
    return [(place - middle) * sqrt(count / (count - 1)) for place in places]


def _middle(values: list[float]) -> Range:
    """The interval that leaves out as many values below as above."""
    ordered = sorted(values)
    outside = round(len(ordered) * (1 - CONFIDENCE) / 2)
    return Range(ordered[outside], ordered[-1 - outside])
