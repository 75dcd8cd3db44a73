"""Climbs as pods measure them, in short forms for tests."""

from typing import Any

from msgspec import structs

from loadtest_model.judgement.capacity import CapacityFinding, capacity_of
from loadtest_model.judgement.health import Health
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts, Second, merged_counts
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import merged_sketch, sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS
from support.known_capacity import a_capacity_plan

PLATEAU_SECONDS = 10
THRESHOLDS = ("error_rate < 1%", "p95 < 2s")


def a_climb(**capacity: Any) -> Plan:
    """Plateaus of 10 s with 1, 2, 4 and 8 virtual users, unless `capacity` says otherwise."""
    load = {"to": 8, "factor": 2, "plateau": f"{PLATEAU_SECONDS}s", **capacity}
    return a_capacity_plan(thresholds=THRESHOLDS, capacity=load)


def a_plateau(uploads: int = 100, seconds: float = 1.0, *, rejected: int = 0, **fields: Any) -> StepAggregate:
    """A plateau that is over and settled: so many uploads, each of so many seconds, of which some were rejected."""
    accepted = uploads - rejected
    counts = Counts(
        due=uploads,
        sent=uploads,
        accepted=accepted,
        rejected=rejected,
        records_sent=uploads * 10,
        records_confirmed=accepted * 10,
    )
    times = sketch_of([int(seconds * NANOSECONDS)] * accepted)
    plateau = StepAggregate(
        step=0,
        total=counts,
        judged=counts,
        response=times,
        service=times,
        own=OwnTime(offered=100, planned=100),
        load_seconds=float(PLATEAU_SECONDS),
        finished_pods=1,
    )
    return structs.replace(plateau, **fields)


def a_climbed_step(*plateaus: StepAggregate, **fields: Any) -> StepAggregate:
    """The step that these plateaus are of; each confirmed its accepted uploads evenly within its own time."""
    seconds = []
    for number, plateau in enumerate(plateaus):
        per_second = plateau.judged.accepted // PLATEAU_SECONDS
        for second in range(int(plateau.load_seconds)):
            counts = Counts(due=per_second, sent=per_second, accepted=per_second)
            seconds.append(
                Second(
                    second=number * PLATEAU_SECONDS + second,
                    counts=counts,
                    virtual_users=1,
                    ended=per_second,
                    answers=per_second,
                    records_answered=per_second * 10,
                )
            )
    counts = merged_counts([plateau.judged for plateau in plateaus])
    step = StepAggregate(
        step=0,
        total=counts,
        judged=counts,
        response=merged_sketch([plateau.response for plateau in plateaus]),
        service=merged_sketch([plateau.service for plateau in plateaus]),
        seconds=tuple(seconds),
        plateaus=plateaus,
        load_seconds=sum(plateau.load_seconds for plateau in plateaus),
    )
    return structs.replace(step, **fields)


def found(plan: Plan, *plateaus: StepAggregate, is_over: bool = True) -> CapacityFinding:
    """What these plateaus of a plan come to."""
    finding = capacity_of(plan, Aggregate(steps=(a_climbed_step(*plateaus),), pods=1), Health(), is_over=is_over)
    assert finding is not None
    return finding
