"""A climb finds what a target can take, within one step of its ladder, and never claims what did not hold.

The engine runs on a clock that passes by waiting alone, against a target whose capacity queueing theory knows.
"""

import pytest

from loadtest_model.judgement.capacity import CapacityFinding, CapacityLimit
from loadtest_model.judgement.climb import plateau_levels
from support.known_capacity import WorkerPool, a_capacity_plan, climb, known_place
from support.virtual_time import run_in_virtual_time

WORKERS, MEAN_SECONDS = 8, 0.5


def found_place(finding: CapacityFinding, levels: tuple[float, ...]) -> int:
    return -1 if finding.held is None else levels.index(finding.held.level)


@pytest.mark.parametrize("seed", range(20))
def test_virtual_users_climb_to_the_known_capacity_within_one_step(seed: int) -> None:
    plan = a_capacity_plan(thresholds=("error_rate < 1%", "p95 < 3s"), capacity={"to": 200})

    async def main() -> tuple[CapacityFinding, float]:
        finding, _, seconds = await climb(plan, WorkerPool(WORKERS, MEAN_SECONDS, seed))
        return finding, seconds

    finding, seconds = run_in_virtual_time(main())
    levels = plateau_levels(plan.steps[0])
    expected = known_place(plan, 0.95, 3.0, WORKERS, MEAN_SECONDS)
    assert abs(found_place(finding, levels) - expected) <= 1
    assert finding.limit is CapacityLimit.THRESHOLD
    # The first plateau that did not hold is followed by no more than the looks at it and the last answers.
    assert seconds < (len(finding.plateaus) + 1) * 30.0
    assert finding.knee is not None
    assert abs(levels.index(finding.knee.level) - max(p for p, level in enumerate(levels) if level <= WORKERS)) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_arrivals_climb_to_the_known_capacity_within_one_step(seed: int) -> None:
    plan = a_capacity_plan(
        thresholds=("error_rate < 1%", "p95 < 3s"),
        arrivals="poisson",
        capacity={"by": "arrivalRate", "from": 1, "to": 100},
    )

    async def main() -> CapacityFinding:
        return (await climb(plan, WorkerPool(WORKERS, MEAN_SECONDS, seed)))[0]

    finding = run_in_virtual_time(main())
    expected = known_place(plan, 0.95, 3.0, WORKERS, MEAN_SECONDS)
    assert abs(found_place(finding, plateau_levels(plan.steps[0])) - expected) <= 1
    assert finding.limit is CapacityLimit.THRESHOLD
