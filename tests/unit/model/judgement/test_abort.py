"""A running test is ended for a breach that lasts, and for nothing less."""

from typing import Any

import pytest
from msgspec import structs

from loadtest_model.judgement.abort import AbortWatch, watch_for_abort
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, PlanError
from support.builders import a_plan, a_run, a_step, counts
from support.climbs import a_climb, a_climbed_step, a_plateau


def a_watched_plan(*thresholds: str, after: str = "10s", **load: Any) -> Plan:
    return a_plan(
        scenario="custom",
        load={"batchSize": 1_000, "duration": "300s", **load},
        abort={"thresholds": list(thresholds), "after": after},
    )


def running(at_seconds: float, step: StepAggregate, **fields: Any) -> Aggregate:
    running_step = structs.replace(step, finished_pods=0, load_seconds=at_seconds)
    return structs.replace(a_run(running_step, **fields), elapsed_seconds=at_seconds)


def watch_after_looks(plan: Plan, step: StepAggregate, *instants: float, **fields: Any) -> AbortWatch:
    abort_watch = AbortWatch()
    for at_seconds in instants:
        abort_watch = watch_for_abort(plan, running(at_seconds, step, **fields), abort_watch)
    return abort_watch


SLOW = a_step(accepted=200, seconds_each=25.0)


def test_a_breach_in_three_looks_in_a_row_aborts_with_what_was_measured() -> None:
    plan = a_watched_plan("p95 < 20s")

    assert not watch_after_looks(plan, SLOW, 20, 22).breach
    assert "p95 < 20s is breached: measured 25" in watch_after_looks(plan, SLOW, 20, 22, 24).breach


def test_a_look_without_the_breach_begins_the_count_anew() -> None:
    plan = a_watched_plan("p95 < 20s")
    abort_watch = watch_after_looks(plan, SLOW, 20, 22)

    abort_watch = watch_for_abort(plan, running(24, a_step(accepted=200)), abort_watch)
    for at_seconds in (26, 28):
        abort_watch = watch_for_abort(plan, running(at_seconds, SLOW), abort_watch)

    assert not abort_watch.breach


def test_looks_within_a_second_count_as_one() -> None:
    assert not watch_after_looks(a_watched_plan("p95 < 20s"), SLOW, 20, 20.1, 20.2, 20.3).breach


def test_nothing_is_aborted_before_its_time_past_the_warm_up() -> None:
    plan = a_watched_plan("p95 < 20s", after="30s", warmUp="20s")

    assert not watch_after_looks(plan, SLOW, 43, 46, 49).breach
    assert watch_after_looks(plan, SLOW, 50, 52, 54).breach


@pytest.mark.parametrize(("expression", "fewest"), [("p95 < 20s", 20), ("p99 < 20s", 100)])
def test_a_percentile_needs_its_samples(expression: str, fewest: int) -> None:
    plan = a_watched_plan(expression)

    assert not watch_after_looks(plan, a_step(accepted=fewest - 1, seconds_each=25.0), 20, 22, 24).breach
    assert watch_after_looks(plan, a_step(accepted=fewest, seconds_each=25.0), 20, 22, 24).breach


def test_a_target_that_hangs_is_given_up_although_it_leaves_few_samples() -> None:
    plan = a_watched_plan("p95 < 20s")
    hanging = structs.replace(a_step(accepted=3), in_flight=2, in_flight_ages_seconds=(40.0, 21.0))
    busy = structs.replace(hanging, in_flight_ages_seconds=(40.0, 2.0))

    assert watch_after_looks(plan, hanging, 50, 52, 54).breach
    assert not watch_after_looks(plan, busy, 50, 52, 54).breach


def test_the_error_rate_is_that_of_the_last_thirty_seconds() -> None:
    plan = a_watched_plan("error_rate < 10%")

    def a_minute(failing_from: int) -> StepAggregate:
        seconds = tuple(
            Second(second=n, counts=counts(accepted=10), virtual_users=1, ended=10, failed=10 * (n >= failing_from))
            for n in range(120)
        )
        return a_step(accepted=1_200, seconds=seconds)

    assert not watch_after_looks(plan, a_minute(118), 120, 122, 124).breach
    assert "measured 20.00%" in watch_after_looks(plan, a_minute(114), 120, 122, 124).breach


def test_errors_of_the_warm_up_abort_nothing() -> None:
    plan = a_watched_plan("error_rate < 10%", after="5s", warmUp="20s")

    def failing(until: int) -> StepAggregate:
        seconds = tuple(
            Second(second=n, counts=counts(accepted=10), virtual_users=1, ended=10, failed=10 * (n < until))
            for n in range(31)
        )
        return a_step(accepted=310, seconds=seconds)

    assert not watch_after_looks(plan, failing(20), 26, 28, 30).breach
    assert watch_after_looks(plan, failing(22), 26, 28, 30).breach


def test_dropped_arrivals_are_errors_of_the_second_that_they_were_dropped_in() -> None:
    seconds = (Second(second=50, counts=counts(accepted=5), virtual_users=1, ended=5, lapsed=5),)

    breach = watch_after_looks(
        a_watched_plan("error_rate < 10%"), a_step(accepted=5, seconds=seconds), 60, 62, 64
    ).breach

    assert "measured 50.00%" in breach


def test_a_time_that_is_in_doubt_aborts_nothing() -> None:
    own = sketch_of([9_000_000_000] * SLOW.response.count)
    doubtful = structs.replace(SLOW, own=OwnTime(response=own, service=own))

    assert not watch_after_looks(a_watched_plan("p95 < 20s"), doubtful, 20, 22, 24).breach


def test_a_breach_once_found_stays_and_a_plan_without_abort_finds_none() -> None:
    plan = a_watched_plan("p95 < 20s")
    abort_watch = watch_after_looks(plan, SLOW, 20, 22, 24)

    assert watch_for_abort(plan, running(30, a_step()), abort_watch) == abort_watch
    assert watch_after_looks(a_plan(), SLOW, 20, 22, 24) == AbortWatch()


def test_a_load_that_is_over_is_not_aborted() -> None:
    plan = a_watched_plan("p95 < 20s")
    finished_run = structs.replace(a_run(structs.replace(SLOW, load_seconds=300.0)), elapsed_seconds=310.0)

    assert watch_for_abort(plan, finished_run, AbortWatch()) == AbortWatch()


def test_each_step_is_watched_for_itself() -> None:
    plan = a_plan(scenario="all", abort={"thresholds": ["medium.p95 < 20s"], "after": "0s"})
    slow = structs.replace(SLOW, finished_pods=1, load_seconds=120.0)
    abort_watch = AbortWatch()
    for at_seconds in (20.0, 22.0, 24.0):
        light = structs.replace(a_run(structs.replace(SLOW, finished_pods=0, load_seconds=20.0)))
        abort_watch = watch_for_abort(plan, structs.replace(light, elapsed_seconds=at_seconds), abort_watch)
    assert not abort_watch.breach

    for at_seconds in (260.0, 262.0, 264.0):
        medium = structs.replace(SLOW, finished_pods=0, load_seconds=20.0)
        abort_watch = watch_for_abort(
            plan, structs.replace(a_run(slow, medium), elapsed_seconds=at_seconds), abort_watch
        )

    assert "in step medium" in abort_watch.breach


def test_a_bound_that_only_the_end_can_judge_is_refused() -> None:
    with pytest.raises(PlanError, match=r"spec\.abort\.thresholds: accepted_records > 1000 can only be judged"):
        a_watched_plan("accepted_records > 1000")


def test_what_only_grows_may_have_an_upper_bound() -> None:
    step_with_rejections = structs.replace(a_step(), judged=counts(accepted=100, rejected=6), response=sketch_of([1]))

    assert watch_after_looks(a_watched_plan("rejected < 5"), step_with_rejections, 20, 22, 24).breach


def climbing(*plateaus: StepAggregate) -> tuple[Plan, Aggregate]:
    """A climb at this instant, whose last plateau is under way, with a bound of 20 s."""
    plan = structs.replace(a_climb(), abort=a_watched_plan("p95 < 20s", "error_rate < 50%", after="0s").abort)
    return plan, Aggregate(steps=(a_climbed_step(*plateaus),), pods=1)


def watch_after_three_looks(plan: Plan, aggregate: Aggregate) -> AbortWatch:
    abort_watch = AbortWatch()
    for at_seconds in (11.0, 12.0, 13.0):
        abort_watch = watch_for_abort(plan, structs.replace(aggregate, elapsed_seconds=at_seconds), abort_watch)
    return abort_watch


def test_the_plateau_under_way_of_a_climb_is_judged_by_itself() -> None:
    slow = a_plateau(100, 25.0, load_seconds=5.0, finished_pods=0)
    fast = a_plateau(5_000)

    assert "p95 < 20s is breached: measured 25" in watch_after_three_looks(*climbing(fast, slow)).breach
    assert not watch_after_three_looks(*climbing(slow, structs.replace(fast, load_seconds=5.0, finished_pods=0))).breach


def test_errors_of_a_plateau_before_do_not_end_a_climb() -> None:
    failing, sound = a_plateau(200, rejected=190), a_plateau(50, load_seconds=5.0, finished_pods=0)

    assert not watch_after_three_looks(*climbing(failing, sound)).breach


def test_the_next_plateau_of_a_climb_begins_the_count_anew() -> None:
    slow = a_plateau(100, 25.0, load_seconds=5.0, finished_pods=0)
    plan, first = climbing(slow)
    _, second = climbing(a_plateau(100, 25.0), slow)
    abort_watch = AbortWatch()
    for at_seconds, aggregate in ((8.0, first), (9.0, first), (11.0, second), (12.0, second)):
        abort_watch = watch_for_abort(plan, structs.replace(aggregate, elapsed_seconds=at_seconds), abort_watch)
        assert not abort_watch.breach

    assert watch_for_abort(plan, structs.replace(second, elapsed_seconds=13.0), abort_watch).breach
