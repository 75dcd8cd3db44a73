"""How far a run is: the figures of the current step, and those of the whole load."""

import pytest
from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.report.progress import progress_of
from support.builders import a_plan, a_run, a_step, counts


def a_second(number: int, records: int = 1_000) -> Second:
    return Second(
        second=number, counts=counts(accepted=1), virtual_users=1, ended=1, answers=1, records_answered=records
    )


def step_after(seconds: float, **fields: int) -> StepAggregate:
    """A step whose load has lasted so long."""
    return structs.replace(a_step(**fields), load_seconds=seconds)


def test_progress_tells_step_stage_and_the_rate_of_the_last_ten_seconds() -> None:
    plan = a_plan(scenario="all")
    seconds = tuple(a_second(number, 1_000 if number < 60 else 3_000) for number in range(71))
    running = structs.replace(step_after(70.0), seconds=seconds, in_flight=2)

    progress = progress_of(plan, structs.replace(a_run(step_after(120.0), running), virtual_users=2))

    assert (progress.step, progress.step_number, progress.steps) == ("medium", 2, 4)
    assert (progress.stage_number, progress.stages) == (2, 3)
    assert (progress.elapsed_seconds, progress.total_seconds) == (120 + 70, 1_200)
    assert progress.records_per_second == 3_000
    assert (progress.in_flight, progress.virtual_users) == (2, 2)


@pytest.mark.parametrize(
    ("numbers", "rate"), [((), 0), ((0,), 1_000), ((0, 1, 2), 1_000), ((0, 5, 20), 0), ((0, 15, 20), 100)]
)
def test_seconds_that_nobody_told_of_yet_count_in_the_rate_as_empty(numbers: tuple[int, ...], rate: float) -> None:
    step = structs.replace(step_after(21.0), seconds=tuple(a_second(number) for number in numbers))

    assert progress_of(a_plan(), a_run(step)).records_per_second == rate


def test_the_time_between_two_steps_is_no_part_of_the_load() -> None:
    plan = a_plan(scenario="all", target={"url": "http://a.shop/", "timeout": "100s"})
    ready = StepAggregate(step=1)

    draining = progress_of(plan, structs.replace(a_run(step_after(120.0), ready), elapsed_seconds=200.0))

    assert (draining.elapsed_seconds, draining.share) == (120, 0.1)
    assert draining.step == "light"


def test_a_step_is_the_current_one_from_its_first_moment_on() -> None:
    progress = progress_of(a_plan(scenario="all"), a_run(step_after(120.0), StepAggregate(step=1, load_seconds=0.1)))

    assert progress.step == "medium"
    assert (progress.p95_seconds, progress.errors, progress.error_rate) == (None, 0, None)


def test_a_number_of_records_is_as_far_as_its_uploads_and_foresees_its_end() -> None:
    progress = progress_of(a_plan(load={"records": 200_000}), a_run(step_after(30.0, accepted=50)))

    assert (progress.share, progress.is_foreseen) == (0.25, True)
    assert (progress.elapsed_seconds, progress.total_seconds) == (30, 120)


def test_a_number_of_records_of_which_none_was_sent_foresees_nothing() -> None:
    progress = progress_of(a_plan(load={"records": 200_000}), a_run(step_after(3.0, accepted=0)))

    assert (progress.share, progress.total_seconds) == (0, 3)


def test_errors_leave_out_what_was_cut_here() -> None:
    progress = progress_of(a_plan(), a_run(step_after(9.0, accepted=6, unknown=3, rejected=1, cancelled=2)))

    assert (progress.errors, progress.error_rate) == (2, 2 / 8)


def test_errors_are_those_of_the_current_step_and_records_those_of_all() -> None:
    run = a_run(step_after(120.0, accepted=50, rejected=50), step_after(10.0, accepted=99, rejected=1))

    progress = progress_of(a_plan(scenario="all"), run)

    assert (progress.errors, progress.error_rate) == (1, 0.01)
    assert progress.records_confirmed == 149_000


def test_before_the_first_second_progress_is_nothing() -> None:
    progress = progress_of(a_plan(), Aggregate())

    assert (progress.share, progress.records_per_second, progress.p95_seconds) == (0, 0, None)
    assert (progress.step, progress.stage_number, progress.is_draining) == ("light", 1, False)
