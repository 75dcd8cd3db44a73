"""Whether a target's throughput is even at an even load.

The closed model offers as much as the target takes, so the answers in each window are compared with each other. In the
open model a schedule says what is due, and a Poisson schedule is uneven by itself. There the answers in each window are
compared with the uploads that were due in it.

In both models some unevenness is chance, and no fault of the target. Only what exceeds chance counts.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Final, NamedTuple

from loadtest_model.judgement.plateaus import Plateau, plateaus_of
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.thresholds.doubt import FULL_OFFER
from loadtest_model.values import NANOSECONDS

WINDOW_SECONDS: Final = 10
FEWEST_WINDOWS: Final = 3
FEWEST_ANSWERS_IN_A_WINDOW: Final = 20
EVEN_SPREAD: Final = 0.2
DEVIATIONS_OF_CHANCE: Final = 3.0
"""How many standard deviations chance may explain."""

_NORMAL_QUARTILES: Final = 1.349
"""Between the quartiles of a normal distribution lie so many standard deviations."""


class _Window(NamedTuple):
    due: int
    answers: int
    records: int
    response_seconds: float


def uneven_throughput(step: Step, aggregate: StepAggregate) -> list[str]:
    """A sentence for each plateau whose throughput varies by more than a fifth beyond chance."""
    texts: list[str] = []
    if aggregate.own.offered_share < FULL_OFFER:
        # Our own side may have offered one window less than another.
        return texts
    stall_share = min(1.0, aggregate.own.longest_stall_seconds / WINDOW_SECONDS)
    for plateau in plateaus_of(step, aggregate):
        windows = _windows(plateau, aggregate.seconds)
        if len(windows) < FEWEST_WINDOWS or min(window.answers for window in windows) < FEWEST_ANSWERS_IN_A_WINDOW:
            continue
        is_open = step.arrivals is not None
        text = (
            _text_against_due(windows, EVEN_SPREAD + stall_share)
            if is_open
            else _text_against_each_other(windows, deviation_on(plateau, aggregate), EVEN_SPREAD + stall_share)
        )
        if text:
            texts.append(f"throughput at {plateau} {text}")
    return texts


def deviation_on(plateau: Plateau, aggregate: StepAggregate) -> float:
    """The relative deviation of the response times on a plateau."""
    sketches = aggregate.segment_response
    return relative_deviation(sketches[plateau.segment]) if plateau.segment < len(sketches) else 0.0


def relative_deviation(times: Sketch) -> float:
    """The standard deviation of times over their median, 1 at most; a few long ones do not change it."""
    low, middle, high = (times.quantile_seconds(quantile) for quantile in (0.25, 0.5, 0.75))
    if not low or not middle or not high:
        return 0.0
    return min(1.0, (high - low) / _NORMAL_QUARTILES / middle)


def chance_share(deviation: float, answers: float) -> float:
    """By what share the mean of so many times, or their number in a window, may differ by chance."""
    return DEVIATIONS_OF_CHANCE * deviation / sqrt(answers)


def _windows(plateau: Plateau, seconds: Sequence[Second]) -> list[_Window]:
    by_number = {second.second: second for second in seconds}
    # The first window of a plateau still holds the uploads that began before it.
    starts = range(plateau.first + WINDOW_SECONDS, plateau.end - WINDOW_SECONDS + 1, WINDOW_SECONDS)
    return [
        _window([by_number[number] for number in range(start, start + WINDOW_SECONDS) if number in by_number])
        for start in starts
    ]


def _window(seconds: Sequence[Second]) -> _Window:
    return _Window(
        due=sum(second.counts.due for second in seconds),
        answers=sum(second.answers for second in seconds),
        records=sum(second.records_answered for second in seconds),
        response_seconds=sum(second.response_nanoseconds_sum for second in seconds) / NANOSECONDS,
    )


def _text_against_each_other(windows: Sequence[_Window], deviation: float, even_spread: float) -> str:
    """Each virtual user's uploads follow one another, so their number in a window is as certain as their times."""
    rates = [window.records / WINDOW_SECONDS for window in windows]
    usual = median(rates)
    if not usual:
        return ""
    chance = chance_share(deviation, median(window.answers for window in windows))
    if _range_beyond([rate / usual for rate in rates], chance) <= even_spread:
        return ""
    spread = (max(rates) - min(rates)) / usual
    return f"varies by {spread:.0%} ({min(rates):,.0f} to {max(rates):,.0f} records/s in windows of 10 s)"


def _text_against_due(windows: Sequence[_Window], even_spread: float) -> str:
    """A window has more answers than were due in it, or fewer, by what was in flight at its ends.

    For a steady target each of the two numbers in flight varies as a Poisson variable does, whose variance is its mean:
    the arrivals of one response time.
    """
    usual = median(window.due for window in windows)
    if not usual:
        return ""
    response_seconds = sum(window.response_seconds for window in windows) / sum(window.answers for window in windows)
    arrivals_in_flight = usual * min(1.0, response_seconds / WINDOW_SECONDS)
    chance = DEVIATIONS_OF_CHANCE * sqrt(2 * arrivals_in_flight) / usual
    shares = [window.answers / window.due if window.due else 1.0 for window in windows]
    differences = [(window.answers - window.due) / usual for window in windows]
    if _range_beyond(differences, chance) <= even_spread:
        return ""
    return (
        f"varies: in windows of 10 s the target answered between {min(shares):.0%} and {max(shares):.0%} of the uploads"
        " that were due"
    )


def _range_beyond(shares: Sequence[float], chance: float) -> float:
    """From the least share to the greatest, without the part that chance explains on either side of the median."""
    usual = median(shares)
    return max(0.0, max(shares) - usual - chance) + max(0.0, usual - min(shares) - chance)
