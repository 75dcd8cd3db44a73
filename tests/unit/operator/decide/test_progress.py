"""How far a run is, in the status."""

from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.report.summary import summarize
from loadtest_operator.decide.compose import effective_plan
from loadtest_operator.decide.progress import last_progress, status_progress
from support.builders import a_plan, a_run, a_step


def test_a_load_by_records_foresees_how_long_it_will_take() -> None:
    plan = a_plan(scenario="custom", load={"batchSize": 1_000, "records": 400_000})
    step = structs.replace(a_step(accepted=100, finished_pods=0), load_seconds=50.0)

    progress = status_progress(plan, a_run(step))

    assert (progress.percent, progress.elapsed_seconds, progress.total_seconds) == (25.0, 50.0, 200.0)


def test_at_the_end_the_figures_are_those_of_all_steps() -> None:
    plan = a_plan(scenario="all")
    first = structs.replace(a_step(accepted=60, rejected=40, seconds_each=9.0), load_seconds=120.0)
    last = structs.replace(a_step(accepted=95, unknown=5, cancelled=5), load_seconds=180.0)
    run = a_run(first, last)
    summary = summarize(plan, run, judge(Facts(plan=plan, aggregate=run)), None, None)

    before, after = status_progress(plan, run), last_progress(plan, run, summary)

    assert (before.errors, before.error_rate) == (0, 0.0)
    assert (after.errors, after.error_rate) == (40, round(40 / 195, 4))
    assert before.p95_seconds is not None
    assert after.p95_seconds is not None
    assert before.p95_seconds < 2 < after.p95_seconds
    assert after.records_per_second == round(summary.throughput.records_per_second, 1)
    assert (after.records_confirmed, after.step) == (before.records_confirmed, before.step)


def test_the_status_shows_the_arrivals_and_their_rates() -> None:
    plan = a_plan(scenario="custom", load={"batchSize": 10, "arrivalRate": 2, "arrivals": "poisson", "duration": "60s"})

    (step,) = effective_plan(plan).steps

    assert (step.arrivals, step.virtual_users, step.records) == ("poisson", 60, None)
    assert [(stage.first_per_second, stage.first_users) for stage in step.stages] == [(2.0, None)]
