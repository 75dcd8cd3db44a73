"""A climb finds what a target can take, within one step of its ladder, and never claims what did not hold.

The engine runs on a clock that passes by waiting alone, against a target whose capacity queueing theory knows.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest_model.judgement.capacity import CapacityFinding, CapacityLimit
from loadtest_model.judgement.climb import PlateauState, plateau_levels
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import merged_counts
from loadtest_model.measurement.sketch import merged_sketch
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


@pytest.mark.parametrize("seed", range(4))
def test_a_load_beyond_the_target_does_not_hold_however_wide_its_bound(seed: int) -> None:
    plan = a_capacity_plan(
        thresholds=("p95 < 50s",),
        arrivals="poisson",
        capacity={"by": "arrivalRate", "from": 10, "to": 80, "factor": 2, "plateau": "20s"},
    )

    async def main() -> CapacityFinding:
        return (await climb(plan, WorkerPool(WORKERS, MEAN_SECONDS, seed)))[0]

    finding = run_in_virtual_time(main())
    assert [plateau.state for plateau in finding.plateaus] == [
        PlateauState.HELD,
        PlateauState.UNSTEADY,
        PlateauState.UNSTEADY,
    ]
    assert finding.is_at_least
    assert "uploads piled up at 40 uploads/s due" in finding.text


def test_a_plateau_near_saturation_is_seldom_taken_for_held() -> None:
    plan = a_capacity_plan(
        thresholds=("error_rate < 1%", "p95 < 3s"),
        arrivals="poisson",
        capacity={"by": "arrivalRate", "from": 10, "to": 23, "factor": 1.5, "plateau": "30s"},
    )

    async def main(seed: int) -> CapacityFinding:
        return (await climb(plan, WorkerPool(WORKERS, MEAN_SECONDS, seed)))[0]

    findings = [run_in_virtual_time(main(seed)) for seed in range(8)]
    expected = known_place(plan, 0.95, 3.0, WORKERS, MEAN_SECONDS)
    levels = plateau_levels(plan.steps[0])
    assert sum(found_place(finding, levels) == expected for finding in findings) >= 6


@settings(max_examples=15)
@given(
    seed=st.integers(0, 1_000),
    workers=st.integers(1, 6),
    errors_after=st.none() | st.integers(1, 12),
    by=st.sampled_from(["virtualUsers", "arrivalRate"]),
    timeout=st.sampled_from(["1s", "4s", "60s"]),
)
def test_the_plateaus_of_a_climb_add_up_to_the_whole(
    seed: int, workers: int, errors_after: int | None, by: str, timeout: str
) -> None:
    plan = a_capacity_plan(
        thresholds=("error_rate < 5%", "p95 < 2s"),
        timeout=timeout,
        capacity={"by": by, "to": 30, "factor": 2, "plateau": "10s", "required": 3},
    )

    async def main() -> tuple[CapacityFinding, Aggregate]:
        return (await climb(plan, WorkerPool(workers, 0.4, seed, errors_after)))[:2]

    finding, aggregate = run_in_virtual_time(main())
    (step,) = aggregate.steps
    assert merged_counts([plateau.judged for plateau in step.plateaus]) == step.judged
    assert merged_sketch([plateau.response for plateau in step.plateaus]) == step.response
    assert merged_sketch([plateau.service for plateau in step.plateaus]) == step.service
    assert sum(plateau.own.planned for plateau in step.plateaus) == step.own.planned
    assert sum(plateau.in_flight for plateau in step.plateaus) == 0
    levels = plateau_levels(plan.steps[0])
    assert [plateau.level for plateau in finding.plateaus] == list(levels[: len(finding.plateaus)])
    if finding.held is not None:
        assert all(result.passed for result in finding.held.thresholds)
        assert finding.held.aggregate.response.count >= 20
