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
from itertools import pairwise
from math import comb, exp, log, sqrt
from statistics import NormalDist, fmean, median, stdev
from typing import Final, NamedTuple

from loadtest_model.thresholds.metrics import BlockAverage

DRAWS: Final = 1_000
CONFIDENCE: Final = 0.95

_LEAST_SHARE: Final = 0.001
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

    Only of a share may an earlier run come to 0. Three things vary in a draw: the blocks of this run, the earlier runs
    and their blocks, and how far a run lies from the others of its kind although nothing has changed. The last is known
    from two earlier runs on.
    """
    draw = uniform_draws()
    this_run, runs = _averages(kind)(blocks), [_averages(kind)(values) for values in earlier]
    deviations = _deviations(runs, is_share=is_share)
    baselines, changes = [], []
    for _ in range(DRAWS):
        baseline = median([runs[int(draw() * len(runs))].at(draw()) for _ in runs])
        deviation = deviations[int(draw() * len(deviations))]
        value = this_run.at(draw())
        baselines.append(baseline)
        changes.append(value + deviation - baseline if is_share else value * exp(deviation) / baseline - 1)
    return Change(this_run.value, median([run.value for run in runs]), _middle(baselines), _middle(changes))


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


class _Median:
    """The median of a run's blocks, as it is and as it would be if the blocks were drawn anew."""

    def __init__(self, values: Sequence[float]) -> None:
        self._ordered = sorted(values)
        self._distribution = median_distribution(len(values))
        self.value = median(self._ordered)

    def at(self, probability: float) -> float:
        """The median that drawn ones do not exceed with this probability."""
        return self._ordered[bisect_left(self._distribution, probability)]

    @property
    def variance(self) -> float:
        shares = (after - before for before, after in pairwise((0.0, *self._distribution)))
        weighted = list(zip(shares, self._ordered, strict=True))
        middle = sum(share * value for share, value in weighted)
        return sum(share * (value - middle) ** 2 for share, value in weighted)


class _Mean:
    """The mean of a run's blocks, as it is and as it would be if the blocks were drawn anew."""

    def __init__(self, values: Sequence[float]) -> None:
        self.value = fmean(values)
        self.variance = stdev(values) ** 2 / len(values) if len(values) > 1 else 0.0

    def at(self, probability: float) -> float:
        """The quantile of the drawn means at this probability."""
        drawn_mean = self.value + sqrt(self.variance) * NormalDist().inv_cdf(probability or 0.5)
        # No figure is below 0, and a baseline of 0 has no multiples.
        return max(self.value * _LEAST_SHARE, drawn_mean)


def _averages(kind: BlockAverage) -> type[_Median] | type[_Mean]:
    return _Median if kind == "median" else _Mean


def _deviations(runs: Sequence[_Median | _Mean], *, is_share: bool) -> list[float]:
    """How far runs of one kind lie from their middle: in points, or as the logarithm of a ratio.

    A part of what is measured is the chance of their blocks, which is drawn by itself, so that part is taken off.
    """
    if len(runs) < 2:
        return [0.0]
    places = [run.value if is_share else log(run.value) for run in runs]
    middle, variance = fmean(places), stdev(places) ** 2
    of_blocks = fmean(run.variance if is_share else run.variance / run.value**2 for run in runs)
    # A few runs lie closer to their own middle than to that of all runs there might be.
    widening = sqrt(len(runs) / (len(runs) - 1))
    share = sqrt(max(0.0, 1 - of_blocks / variance)) if variance else 0.0
    return [(place - middle) * widening * share for place in places]


def _middle(values: list[float]) -> Range:
    """The interval that leaves out as many values below as above."""
    ordered = sorted(values)
    outside = round(len(ordered) * (1 - CONFIDENCE) / 2)
    return Range(ordered[outside], ordered[-1 - outside])
