"""How much a target can take: the highest load that held, what limited it, and the knee of the throughput."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

from loadtest_model.judgement.climb import (
    JudgedPlateau,
    PlateauState,
    judged_plateaus,
)
from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.judged_thresholds import breach_text, doubt_text, measured_text
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, Step
from loadtest_model.plan.climb import Climb, length_notices, load_text, sample_notices
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from loadtest_model.thresholds.metrics import METRICS

KNEE_SHARE: Final = 0.5
"""At the knee throughput stops growing by this share of what the load grows."""

DEVIATIONS_OF_CHANCE: Final = 2.0


class CapacityLimit(StrEnum):
    """What ended the climb. Only a THRESHOLD and the TARGET's health are limits of the target.

    After every other one, the target can take at least the load that held.
    """

    THRESHOLD = "Threshold"
    TARGET = "Target"
    GENERATOR = "Generator"
    SAMPLES = "Samples"
    LADDER = "Ladder"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class Knee:
    """The last load up to which throughput grew with the load. It is in doubt if chance may explain what followed."""

    level: float
    uploads_per_second: float
    is_in_doubt: bool


@dataclass(frozen=True)
class CapacityFinding:
    """What a climb came to so far. `limit` is None while it goes on.

    `held` is the highest plateau that held and `limiting` the one that did not. `text` describes the limit. `notices`
    say what lowers the worth of the climb.
    """

    by: ClimbBy
    plateaus: tuple[JudgedPlateau, ...]
    held: JudgedPlateau | None
    limiting: JudgedPlateau | None
    limit: CapacityLimit | None
    text: str
    knee: Knee | None
    required: float | None
    notices: tuple[str, ...] = ()

    @property
    def unsteady(self) -> tuple[JudgedPlateau, ...]:
        """The plateaus above the highest load that held which held by what was measured, and are not known to hold."""
        held_level = self.held.level if self.held is not None else 0.0
        return tuple(
            plateau
            for plateau in self.plateaus
            if plateau.state is PlateauState.UNSTEADY and plateau.level > held_level
        )

    @property
    def is_at_least(self) -> bool:
        """Whether the target may carry more than what held."""
        return not self._is_limited_by_target or bool(self.unsteady)

    @property
    def is_missed(self) -> bool:
        """Whether the target is known not to carry the required load; without one, not to carry any."""
        may_hold = any(plateau.level >= (self.required or 0.0) for plateau in self.unsteady)
        return not self.is_reached and self._is_limited_by_target and not may_hold

    @property
    def _is_limited_by_target(self) -> bool:
        return self.limit in (CapacityLimit.THRESHOLD, CapacityLimit.TARGET)

    @property
    def is_reached(self) -> bool:
        """Whether the required load held; without one, whether any load did."""
        return self.held is not None and (self.required is None or self.held.level >= self.required)


def climb_step(plan: Plan) -> tuple[int, Step, Climb] | None:
    """The number of the step that climbs, the step and its climb; None of a test of another scenario."""
    steps = ((number, step, step.climb) for number, step in enumerate(plan.steps) if step.climb is not None)
    return next(steps, None)


def capacity_of(plan: Plan, aggregate: Aggregate, health: Health, *, is_over: bool = True) -> CapacityFinding | None:
    """What the climb of a plan came to; None of a test of another scenario.

    `health` is the target's. `is_over` says that the load has ended, so that no further plateau will be judged.
    """
    numbered_step = climb_step(plan)
    if numbered_step is None:
        return None
    number, step, climb = numbered_step
    step_aggregate = aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate()
    plateaus = judged_plateaus(step, step_aggregate, plan.parallelism)
    settled = [plateau for plateau in plateaus if plateau.state is not PlateauState.UNFINISHED]
    held = next((plateau for plateau in reversed(settled) if plateau.state is PlateauState.HELD), None)
    limiting, limit, text = _limit(step, climb.by, plateaus, health, is_over=is_over)
    knee = knee_of([plateau for plateau in settled if plateau.state is not PlateauState.IN_DOUBT])
    # Users who wait do no harm to the throughput, so it says nothing of lower loads. Below one user there are none.
    knee_is_below = knee is not None and climb.by is ClimbBy.VIRTUAL_USERS and 1.0 < knee.level == plateaus[0].level
    return CapacityFinding(
        by=climb.by,
        plateaus=plateaus,
        held=held,
        limiting=limiting,
        limit=limit,
        text="; ".join(filter(None, (text, _unsteady_text(plateaus, held, limiting, climb.by)))),
        knee=None if knee_is_below else knee,
        required=climb.required,
        notices=tuple(_notices(step, plateaus, _KNEE_BELOW if knee_is_below else "")),
    )


_KNEE_BELOW: Final = (
    "throughput hardly grew above the lowest load of the climb, so the knee is there or below; lower"
    " spec.load.capacity.from to find it"
)


def _notices(step: Step, plateaus: Sequence[JudgedPlateau], notice_of_knee: str) -> Iterator[str]:
    """What lowers the worth of a climb. That plateaus have few uploads is said only where one had."""
    if notice_of_knee:
        yield notice_of_knee
    yield from length_notices(step.thresholds, step.segments[0].duration_seconds)
    if any(plateau.state is PlateauState.TOO_FEW_SAMPLES for plateau in plateaus):
        yield from sample_notices(step.thresholds, step.arrivals)


def climb_end(plan: Plan, aggregate: Aggregate, health: Health) -> str:
    """Why a climb that goes on is to end now, in a sentence; empty while it may go on, and in other scenarios."""
    finding = capacity_of(plan, aggregate, health, is_over=False)
    if finding is None or finding.limit in (None, CapacityLimit.LADDER):
        return ""
    return f"the climb ends: {finding.text}"


def _limit(
    step: Step, unit: ClimbBy, plateaus: Sequence[JudgedPlateau], health: Health, *, is_over: bool
) -> tuple[JudgedPlateau | None, CapacityLimit | None, str]:
    """The plateau that ended the climb, what limited it, and a sentence."""
    last = plateaus[-1] if plateaus else None
    place = f"at {load_text(last.level, unit)}, " if last else ""
    if last is not None and last.ends_climb:
        return last, _LIMITS.get(last.state, CapacityLimit.SAMPLES), f"{place}{limit_text(last)}"
    if health.level is HealthLevel.CRITICAL:
        return last, CapacityLimit.TARGET, f"{place}the target's health was Critical: {health.evidence[0]}"
    unsettled = next((plateau for plateau in plateaus if plateau.state is PlateauState.UNSETTLED), None)
    # Who waits for an answer longer than a whole plateau must not be given even more load meanwhile.
    if unsettled is not None and (is_over or plateaus.index(unsettled) < len(plateaus) - 2):
        return unsettled, CapacityLimit.SAMPLES, f"at {load_text(unsettled.level, unit)}, {limit_text(unsettled)}"
    is_climbed = len(plateaus) == len(step.segments) and last is not None and last.state is not PlateauState.UNFINISHED
    if is_climbed and unsettled is None and last is not None:
        return _limit_at_the_top(last, plateaus, place)
    return (last, CapacityLimit.STOPPED, "it ended before a plateau did not hold") if is_over else (None, None, "")


def _unsteady_text(
    plateaus: Sequence[JudgedPlateau], held: JudgedPlateau | None, limiting: JudgedPlateau | None, unit: ClimbBy
) -> str:
    """Why the load next to the highest that held is not known to hold; empty if it ended the climb itself."""
    above = plateaus[plateaus.index(held) + 1 :] if held is not None else plateaus
    first = next((plateau for plateau in above if plateau.state is PlateauState.UNSTEADY), None)
    if limiting is None or first is None or first is limiting:
        return ""
    return f"{load_text(first.level, unit)}: not known to hold, because {limit_text(first)}"


_LIMITS: Final = {PlateauState.NOT_HELD: CapacityLimit.THRESHOLD, PlateauState.IN_DOUBT: CapacityLimit.GENERATOR}


def _limit_at_the_top(
    last: JudgedPlateau, plateaus: Sequence[JudgedPlateau], place: str
) -> tuple[JudgedPlateau | None, CapacityLimit | None, str]:
    """The limit of a climb whose highest plateau did not end it: there is no higher one, or too few uploads."""
    if last.state is not PlateauState.UNSTEADY and any(plateau.state is PlateauState.HELD for plateau in plateaus):
        return None, CapacityLimit.LADDER, f"{place}the highest load of the climb was reached"
    return last, CapacityLimit.SAMPLES, f"{place}{limit_text(last)}"


def knee_of(plateaus: Sequence[JudgedPlateau]) -> Knee | None:
    """The last plateau after which throughput grew by less than half of what the load grew, on every later plateau.

    It is certain if on some later plateau throughput had not reached that half, not even with two standard deviations
    more. The numbers of answers vary as those of a Poisson process at most.
    """
    for number, plateau in enumerate(plateaus[:-1]):
        later = plateaus[number + 1 :]
        if not plateau.answers:
            continue
        if all(_growth(plateau, each) < _half_of_load_growth(plateau, each) for each in later):
            is_certain = any(
                _growth(plateau, each) + _chance(plateau, each) < _half_of_load_growth(plateau, each) for each in later
            )
            return Knee(plateau.level, plateau.uploads_per_second, is_in_doubt=not is_certain)
    return None


def _growth(before: JudgedPlateau, after: JudgedPlateau) -> float:
    return after.uploads_per_second / before.uploads_per_second - 1


def _half_of_load_growth(before: JudgedPlateau, after: JudgedPlateau) -> float:
    return KNEE_SHARE * (after.level / before.level - 1)


def _chance(before: JudgedPlateau, after: JudgedPlateau) -> float:
    """By how much the growth of throughput may differ by chance."""
    ratio = after.uploads_per_second / before.uploads_per_second
    return DEVIATIONS_OF_CHANCE * ratio * sqrt(1 / before.answers + 1 / max(1, after.answers))


def limit_text(plateau: JudgedPlateau) -> str:
    """What kept a plateau from holding, in a sentence."""
    match plateau.state:
        case PlateauState.NOT_HELD:
            return "; ".join(breach_text(result) for result in plateau.deciding)
        case PlateauState.IN_DOUBT:
            return "; ".join(doubt_text(result) for result in plateau.deciding)
        case PlateauState.TOO_FEW_SAMPLES:
            return "; ".join(map(_lack_text, plateau.deciding)) or "no threshold could be judged"
        case PlateauState.UNSTEADY:
            return plateau.unsteadiness
        case PlateauState.UNSETTLED:
            return f"{plateau.aggregate.in_flight} of its uploads had no answer when its time was over"
        case _:
            return ""


def _lack_text(result: ThresholdResult) -> str:
    fewest = METRICS[parse_threshold(result.expression).metric].fewest_samples
    return f"{result.expression} needs {fewest} uploads on a plateau: measured {measured_text(result)} by fewer"


def held_text(capacity: CapacityFinding) -> str:
    """The highest load that held, in a clause."""
    if capacity.held is None:
        return "no load of the climb held"
    prefix = "at least " if capacity.is_at_least else ""
    held = capacity.held
    return (
        f"{prefix}{load_text(held.level, capacity.by)} held, with {held.uploads_per_second:,.4g} uploads/s and"
        f" {held.records_per_second:,.0f} records/s"
    )
