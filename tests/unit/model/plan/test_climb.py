"""A climb as the plan has it: its plateaus, and what is refused or told before any load."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from loadtest_model.load.ladder import MOST_PLATEAUS, ladder_levels
from loadtest_model.plan import PlanError
from loadtest_model.plan.notices import plan_notices
from loadtest_model.reasons import Reason
from loadtest_model.report.status import PlannedStage
from support.known_capacity import a_capacity_plan


def levels_of(**load: Any) -> list[float]:
    (step,) = a_capacity_plan(**load).steps
    if step.arrivals is not None:
        return [rate.last_per_second for rate in step.arrivals.rates]
    return [segment.last_users for segment in step.segments]


def reason_of(**load: Any) -> Reason:
    with pytest.raises(PlanError) as refusal:
        a_capacity_plan(**load)
    return refusal.value.reason


def test_a_climb_has_defaults_for_everything() -> None:
    (step,) = a_capacity_plan().steps

    assert [segment.last_users for segment in step.segments] == [1, 2, 3, 5, 7, 10, 15, 22, 32, 46, 68, 100]
    assert {segment.duration_seconds for segment in step.segments} == {30.0}
    assert (step.name, step.batch_size) == ("capacity", 1_000)
    assert step.thresholds == ("error_rate < 1%", "avg < 10s", "p95 < 20s")


def test_the_required_load_is_a_plateau_of_its_own() -> None:
    assert 37 in levels_of(capacity={"required": 37})
    assert 7.25 in levels_of(capacity={"by": "arrivalRate", "to": 20, "required": 7.25})


def test_a_ladder_climbs_in_even_steps_to_its_end() -> None:
    levels = ladder_levels(0.5, 40.0, 1.5)

    assert (levels[0], levels[-1]) == (0.5, 40.0)
    assert all(after / before <= 1.5 * 1.01 for before, after in pairwise(levels))


def test_arrivals_climb_with_a_limit_of_users() -> None:
    (step,) = a_capacity_plan(capacity={"by": "arrivalRate", "from": 2, "to": 20}, virtualUsers=50).steps

    assert {segment.last_users for segment in step.segments} == {50}
    assert step.arrivals is not None
    assert (step.arrivals.rates[0].first_per_second, step.arrivals.rates[-1].last_per_second) == (2, 20)


def test_a_plan_of_another_scenario_is_encoded_without_a_climb() -> None:
    (step,) = a_capacity_plan().steps

    assert b"climb" in msgspec.json.encode(step)
    assert b"climb" not in msgspec.json.encode(msgspec.structs.replace(step, climb=None))
    assert "climb" not in PlannedStage.__struct_fields__


@pytest.mark.parametrize(
    "load",
    [
        {"capacity": {}, "duration": "1m"},
        {"stages": [{"duration": "1m", "virtualUsers": 2}]},
        {"virtualUsers": 5},
        {"records": 1_000},
        {"arrivalRate": 2.0},
        {"arrivals": "poisson"},
        {"capacity": {"by": "arrivalRate"}, "thinkTime": "1s"},
        {"capacity": {"from": 10, "to": 5}},
        {"capacity": {"from": 1.5}},
        {"capacity": {"required": 200}},
        {"capacity": {"to": 10_000, "factor": 1.05}},
        {"capacity": {"plateau": "1h", "to": 10_000, "factor": 1.3}},
    ],
)
def test_what_contradicts_a_climb_is_refused(load: dict[str, Any]) -> None:
    assert reason_of(**load) is Reason.LoadContradicts


def test_a_climb_has_at_most_so_many_plateaus() -> None:
    assert len(levels_of(capacity={"to": 10_000, "factor": 1.25})) <= MOST_PLATEAUS


def test_a_warm_up_that_takes_the_first_plateau_is_refused() -> None:
    assert reason_of(warmUp="30s") is Reason.WarmUpTooLong


@pytest.mark.parametrize("threshold", ["records_per_second > 100", "accepted >= 10"])
def test_a_lower_bound_on_what_grows_with_the_load_is_refused(threshold: str) -> None:
    assert reason_of(thresholds=(threshold,)) is Reason.ThresholdInvalid


def test_plateaus_of_which_none_could_be_judged_are_refused() -> None:
    short = {"by": "arrivalRate", "to": 9, "plateau": "10s"}

    assert reason_of(thresholds=("p99 < 1s",), capacity=short) is Reason.PlateauTooShort
    assert reason_of(thresholds=("p95 < 1s",), capacity={**short, "to": 1.9}) is Reason.PlateauTooShort


def test_plateaus_that_cannot_be_judged_are_told_before_the_load() -> None:
    plan = a_capacity_plan(thresholds=("p95 < 1s",), capacity={"by": "arrivalRate", "to": 9, "plateau": "10s"})

    (notice,) = plan_notices(plan)

    assert notice.startswith("plateaus up to 1.44 uploads/s make fewer than 20 uploads, so p95 < 1s cannot be judged")


def test_how_many_uploads_a_plateau_needs_is_told_where_users_set_the_pace() -> None:
    (notice,) = plan_notices(a_capacity_plan(thresholds=("p99 < 1s",)))

    assert notice.startswith("a plateau with fewer than 100 uploads cannot be judged")


def test_plateaus_that_are_short_beside_a_bound_are_told_before_the_load() -> None:
    notice, _ = plan_notices(a_capacity_plan(thresholds=("error_rate < 1%", "p90 < 2s", "p95 < 4s")))

    assert notice.startswith("plateaus of 30 s are short beside p95 < 4s")
    assert "let a plateau last 40s" in notice


def test_a_notice_about_uploads_stands_alone_where_the_plateaus_are_long_enough() -> None:
    (notice,) = plan_notices(a_capacity_plan(thresholds=("p99 < 3s",)))

    assert notice.startswith("a plateau with fewer than 100 uploads cannot be judged")
