"""Whether a target keeps up at a constant load, and how far chance may have lowered a figure of its response times.

Response times near saturation follow one another: an upload that waits long is followed by others that wait long. So
they tell less than as many independent ones would. The plateau is cut into parts. If the averages of the parts differ
by more than those of independent times would, each upload counts for less (the method of batch means).
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final

from loadtest_model.judgement.plateaus import Plateau
from loadtest_model.judgement.throughput import DEVIATIONS_OF_CHANCE, chance_share
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.quantities import seconds_text
from loadtest_model.values import NANOSECONDS

FEWEST_ANSWERS_IN_A_THIRD: Final = 20
RISE: Final = 1.3
"""The average of the last third over that of the first one, from which on response times are said to rise."""

PARTS: Final = 6
"""A plateau is cut into so many parts. The first one still has uploads of the load before, so it is not compared."""

FEWEST_PARTS: Final = 3


def rising_times(plateau: Plateau, seconds: Sequence[Second], deviation: float, own: Sketch) -> str:
    """A sentence if response times rose on a plateau by more than chance and our own side explain, else nothing.

    `deviation` is the relative deviation of the plateau's response times. `own` are the own times of its uploads, maybe
    among others: all of them may have been those of the last third.
    """
    third = (plateau.end - plateau.first) // 3
    early = _mean_response(seconds, plateau.first, plateau.first + third)
    late = _mean_response(seconds, plateau.end - third, plateau.end)
    if not early or not late or late < early * RISE:
        return ""
    late_answers = _answers(seconds, plateau.end - third, plateau.end)
    late -= min(own.sum_nanoseconds / late_answers / NANOSECONDS, own.max_seconds or 0.0)
    if late < early * RISE:
        return ""
    answers = _answers(seconds, plateau.first, plateau.end)
    # The difference of two means deviates by the root of 2 times as much as one.
    if late - early <= (early + late) / 2 * chance_share(deviation, answers / 6):
        return ""
    return f"response time rises at constant load of {plateau}: {seconds_text(early)} to {seconds_text(late)}"


def _answers(seconds: Sequence[Second], first: int, end: int) -> int:
    return sum(second.answers for second in seconds if first <= second.second < end)


def _mean_response(seconds: Sequence[Second], first: int, end: int) -> float | None:
    within = [second for second in seconds if first <= second.second < end]
    answers = sum(second.answers for second in within)
    if answers < FEWEST_ANSWERS_IN_A_THIRD:
        return None
    return sum(second.response_nanoseconds_sum for second in within) / answers / NANOSECONDS


def growing_backlog(plateau: Plateau, seconds: Sequence[Second], mean_seconds: float, own_seconds: float) -> str:
    """A sentence if fewer uploads ended on a plateau than were due, by more than chance explains, else nothing.

    Nor does it count what our own side may have had at the end: what was due in `own_seconds`, the longest own time.

    What is in flight at the two ends of the plateau varies as a Poisson variable does, whose variance is its mean: the
    arrivals of one response time. `mean_seconds` is the average response time.
    """
    within = [second for second in seconds if plateau.first <= second.second < plateau.end]
    due = sum(second.counts.due for second in within)
    backlog = due - sum(second.ended + second.lapsed for second in within)
    in_flight = due * mean_seconds / (plateau.end - plateau.first)
    own_backlog = due * min(1.0, own_seconds / (plateau.end - plateau.first))
    if backlog - own_backlog <= DEVIATIONS_OF_CHANCE * sqrt(2 * in_flight):
        return ""
    return f"uploads piled up at {plateau}: of {due} that were due, {backlog} more than before had no answer at its end"


def uploads_per_independent_one(plateau: Plateau, seconds: Sequence[Second], times: Sketch) -> float:
    """How many uploads tell as much as one would whose time does not depend on the others; 1 at least.

    `times` are the response times of the plateau.
    """
    count = min(PARTS, plateau.end - plateau.first)
    variance = times.variance_seconds
    if count < FEWEST_PARTS or not variance:
        return 1.0
    answers, sums = [0] * count, [0.0] * count
    for second in seconds:
        if plateau.first <= second.second < plateau.end:
            part = (second.second - plateau.first) * count // (plateau.end - plateau.first)
            answers[part] += second.answers
            sums[part] += second.response_nanoseconds_sum / NANOSECONDS
    parts = [(number, total / number) for number, total in zip(answers[1:], sums[1:], strict=True) if number]
    if len(parts) < FEWEST_PARTS:
        return 1.0
    mean = sum(number * average for number, average in parts) / sum(number for number, _ in parts)
    between = sum(number * (average - mean) ** 2 for number, average in parts) / (len(parts) - 1)
    return max(1.0, between / variance)
