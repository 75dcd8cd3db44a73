"""How far a run is, in the status."""

from msgspec import structs

from loadtest_operator.decide.compose import effective
from loadtest_operator.decide.progress import progress
from support.builders import a_plan, a_run, a_step


def test_a_load_by_records_is_as_far_as_its_uploads() -> None:
    plan = a_plan(scenario="custom", load={"batchSize": 1_000, "records": 400_000})
    step = structs.replace(a_step(accepted=100, finished_pods=0), load_seconds=50.0)

    seen = progress(plan, a_run(step))

    assert (seen.percent, seen.elapsed_seconds, seen.total_seconds) == (25.0, 50.0, 200.0)


def test_a_load_by_records_that_has_not_begun_is_at_nothing() -> None:
    plan = a_plan(scenario="custom", load={"batchSize": 1_000, "records": 400_000})

    assert progress(plan, a_run(a_step(accepted=0, finished_pods=0))).percent == 0.0


def test_the_status_shows_the_arrivals_and_their_rates() -> None:
    plan = a_plan(scenario="custom", load={"batchSize": 10, "arrivalRate": 2, "arrivals": "poisson", "duration": "60s"})

    (step,) = effective(plan).steps

    assert (step.arrivals, step.virtual_users, step.records) == ("poisson", 60, None)
    assert [(stage.first_per_second, stage.first_users) for stage in step.stages] == [(2.0, None)]
