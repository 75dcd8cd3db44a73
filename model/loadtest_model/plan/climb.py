"""A climb to a target's capacity, as the plan has it: plateaus as segments, and what each of them must be judged by."""

from collections.abc import Iterator, Sequence
from typing import Final

from loadtest_model.load.arrivals import Arrivals, RateSegment
from loadtest_model.load.ladder import MOST_PLATEAUS
from loadtest_model.load.pacing import Segment
from loadtest_model.plan.errors import PlanError
from loadtest_model.quantities import count_text
from loadtest_model.reasons import Reason
from loadtest_model.spec.capacity import Capacity, ClimbBy
from loadtest_model.spec.load import LONGEST_LOAD, Load
from loadtest_model.thresholds.bounds import Threshold, parse_thresholds
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import WireValue, seconds_of

BOUNDS_IN_A_PLATEAU: Final = 10
"""A plateau should last so many times as long as the longest time that a threshold allows."""


class Climb(WireValue, frozen=True, kw_only=True):
    """What a step that climbs is for: each of its segments is a plateau, and `required` is the load that must hold."""

    by: ClimbBy
    required: float | None = None


def load_text(level: float, by: ClimbBy) -> str:
    """A load as people read it: `7 virtual users`, `2.5 uploads/s`."""
    return count_text(int(level), "virtual user") if by is ClimbBy.VIRTUAL_USERS else f"{level:g} uploads/s due"


def climb_of(load: Load) -> Climb:
    """The climb of a load of scenario capacity."""
    capacity = load.capacity or Capacity()
    return Climb(by=capacity.by, required=capacity.required)


def climb_levels(load: Load) -> tuple[tuple[float, ...], float]:
    """The levels of the plateaus and the length of each in seconds. Raises PlanError for a climb that is too long."""
    capacity = load.capacity or Capacity()
    levels, plateau_seconds = capacity.levels, seconds_of(capacity.plateau)
    if len(levels) > MOST_PLATEAUS:
        raise PlanError(
            Reason.LoadContradicts,
            f"spec.load.capacity makes {len(levels)} plateaus, and at most {MOST_PLATEAUS} are allowed; raise factor or"
            " from, or lower to",
        )
    if len(levels) * plateau_seconds > seconds_of(LONGEST_LOAD):
        raise PlanError(
            Reason.LoadContradicts,
            f"spec.load.capacity makes {len(levels)} plateaus of {capacity.plateau}, which is longer than"
            f" {LONGEST_LOAD}; shorten plateau, raise factor or from, or lower to",
        )
    if seconds_of(load.warm_up) >= plateau_seconds:
        raise PlanError(
            Reason.WarmUpTooLong,
            f"spec.load.warmUp is {load.warm_up}, but the first plateau lasts {capacity.plateau}; nothing of it would"
            " be judged",
        )
    return levels, plateau_seconds


def user_climb(levels: Sequence[float], plateau_seconds: float) -> tuple[Segment, ...]:
    """Plateaus of so many virtual users."""
    return tuple(
        Segment(duration_seconds=plateau_seconds, first_users=int(level), last_users=int(level)) for level in levels
    )


def rate_climb(levels: Sequence[float], plateau_seconds: float) -> tuple[RateSegment, ...]:
    """Plateaus of so many arrivals a second."""
    return tuple(
        RateSegment(duration_seconds=plateau_seconds, first_per_second=level, last_per_second=level) for level in levels
    )


def refuse_unjudgeable_plateaus(thresholds: Sequence[str], arrivals: Arrivals | None, step: str) -> None:
    """Raise PlanError for thresholds by which no plateau, or only a high load, could hold."""
    if not thresholds:
        raise PlanError(
            Reason.ThresholdInvalid, "spec.thresholds is empty, so every load would hold; name what must hold"
        )
    for threshold in parse_thresholds(thresholds):
        if METRICS[threshold.metric].rises_with_load and not threshold.is_upper:
            raise PlanError(
                Reason.ThresholdInvalid,
                f"spec.thresholds: {threshold.expression} is a lower bound on what grows with the load, so the first"
                f" plateaus of step {step} could not hold it; say what must hold by spec.load.capacity.required",
            )
    too_few = [] if arrivals is None else list(_plateaus_with_few_arrivals(thresholds, arrivals))
    for threshold, levels, least_seconds in too_few:
        if arrivals is not None and len(levels) == len(arrivals.rates):
            raise PlanError(
                Reason.PlateauTooShort,
                f"spec.load.capacity.plateau is too short for {threshold.expression}, which needs"
                f" {METRICS[threshold.metric].fewest_samples} uploads on a plateau: even the highest load makes fewer;"
                f" let it last {least_seconds:.0f}s at least",
            )


def climb_notices(thresholds: Sequence[str], plateau_seconds: float, arrivals: Arrivals | None) -> Iterator[str]:
    """What lowers the worth of a climb, as far as that is known before the load."""
    yield from length_notices(thresholds, plateau_seconds)
    yield from sample_notices(thresholds, arrivals)


def length_notices(thresholds: Sequence[str], plateau_seconds: float) -> Iterator[str]:
    """A queue grows for as long as its answers take, and meanwhile the answers are too fast."""
    times = [threshold for threshold in parse_thresholds(thresholds) if threshold.is_of_time]
    longest = max(times, key=lambda threshold: threshold.bound, default=None)
    if longest is not None and plateau_seconds < BOUNDS_IN_A_PLATEAU * longest.bound:
        yield (
            f"plateaus of {plateau_seconds:g} s are short beside {longest.expression}: until a queue has grown, answers"
            " come faster than they would later, so that the capacity may be one step too high; let a plateau last"
            f" {BOUNDS_IN_A_PLATEAU * longest.bound:g}s (spec.load.capacity.plateau), or bound a shorter time"
            " (spec.thresholds)"
        )


def sample_notices(thresholds: Sequence[str], arrivals: Arrivals | None) -> Iterator[str]:
    """Which plateaus cannot be judged."""
    if arrivals is None:
        most = max((METRICS[threshold.metric].fewest_samples for threshold in parse_thresholds(thresholds)), default=1)
        if most > 1:
            yield (
                f"a plateau with fewer than {most} uploads cannot be judged and counts as not held, and the climb goes"
                " on; if that happens, lengthen spec.load.capacity.plateau"
            )
        return
    for threshold, levels, _ in _plateaus_with_few_arrivals(thresholds, arrivals):
        yield (
            f"plateaus up to {levels[-1]:g} uploads/s make fewer than {METRICS[threshold.metric].fewest_samples}"
            f" uploads, so {threshold.expression} cannot be judged on them and they count as not held; lengthen"
            " spec.load.capacity.plateau to have them judged"
        )


def _plateaus_with_few_arrivals(
    thresholds: Sequence[str], arrivals: Arrivals
) -> Iterator[tuple[Threshold, list[float], float]]:
    """Each threshold that some plateaus have too few arrivals for, with their levels and the length that the highest
    plateau of all would need.
    """
    for threshold in parse_thresholds(thresholds):
        fewest = METRICS[threshold.metric].fewest_samples if threshold.is_of_time else 1
        levels = [rate.last_per_second for rate in arrivals.rates if rate.arrivals < fewest]
        if levels:
            yield threshold, levels, fewest / arrivals.rates[-1].last_per_second
