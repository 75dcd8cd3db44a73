"""The pieces of a load at one level, by which a target's health is told."""

from typing import NamedTuple

from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step


class Plateau(NamedTuple):
    """A piece of a load at one level: its segment, its whole seconds without the warm-up, and the level in words."""

    segment: int
    first: int
    end: int
    level: float
    unit: str

    def __str__(self) -> str:
        return f"{self.level:g} {self.unit}"


def plateaus_of(step: Step, aggregate: StepAggregate) -> list[Plateau]:
    """The plateaus of a step that lasted for a whole second at least, in their order. The last ends with the load."""
    load_end = _load_end(step, aggregate)
    plateaus, begin = [], 0.0
    for number, segment in enumerate(step.segments):
        end = begin + segment.duration_seconds
        first_level, last_level, unit = float(segment.first_users), float(segment.last_users), "virtual users"
        if step.arrivals is not None:
            rate = step.arrivals.rates[number]
            first_level, last_level, unit = rate.first_per_second, rate.last_per_second, "uploads/s due"
        if first_level == last_level and last_level:
            first = int(max(begin, step.warm_up_seconds) + 0.999)
            if min(end, load_end) - first >= 1:
                plateaus.append(Plateau(number, first, int(min(end, load_end)), last_level, unit))
        begin = end
    return plateaus


def _load_end(step: Step, aggregate: StepAggregate) -> float:
    """When the load ended, in seconds of the step: as planned if a pod ran to the end of a profile."""
    if aggregate.finished_pods and step.records is None:
        return step.duration_seconds
    return min(step.duration_seconds, aggregate.load_seconds)
