"""The distribution has the quantiles that the samples allow, and each plateau its own figures."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch, nearest_rank, sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.report.distributions import distribution_of, plateau_summaries
from support.builders import a_plan, counts

SECOND = 1_000_000_000


@given(st.lists(st.integers(1_000, 100 * SECOND), min_size=1, max_size=300))
def test_a_distribution_rises_from_the_least_to_the_greatest_and_names_no_quantile_without_samples(
    nanoseconds: list[int],
) -> None:
    points = distribution_of(sketch_of(nanoseconds))

    assert (points[0].quantile, points[0].seconds) == (0.0, min(nanoseconds) / SECOND)
    assert (points[-1].quantile, points[-1].seconds) == (1.0, max(nanoseconds) / SECOND)
    assert [point.quantile for point in points] == sorted({point.quantile for point in points})
    assert [point.seconds for point in points] == sorted(point.seconds for point in points)
    assert all(nearest_rank(point.quantile, len(nanoseconds)) < len(nanoseconds) for point in points[1:-1])


def test_more_samples_show_more_of_the_tail() -> None:
    few, many = (distribution_of(sketch_of(range(1_000, 1_000 + number))) for number in (20, 10_000))

    assert [point.quantile for point in few] == [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0]
    assert [point.quantile for point in many][-5:] == [0.995, 0.999, 0.9995, 0.9999, 1.0]
    assert distribution_of(Sketch()) == ()


def a_climbing_step(*, knows_seconds: bool) -> StepAggregate:
    """Ten seconds at 2 virtual users, ten that climb, ten at 4: on each plateau an upload fails."""
    seconds = [
        Second(
            second=number,
            counts=counts(accepted=2),
            virtual_users=2,
            ended=3,
            answers=3,
            records_answered=2_000 if number < 20 else 3_000,
            failed=1,
            errors={ErrorKind.SERVER_ERROR: 1},
        )
        for number in range(30)
    ]
    judged = [counts(accepted=20, rejected=10, records_confirmed=25_000) for _ in range(3)]
    return StepAggregate(
        seconds=tuple(seconds) if knows_seconds else (),
        segment_counts=tuple(judged),
        segment_response=tuple(sketch_of([n * SECOND] * 20) for n in (1, 2, 3)),
        load_seconds=30.0,
    )


STAGES = [
    {"duration": "0s", "virtualUsers": 2},
    {"duration": "10s", "virtualUsers": 2},
    {"duration": "10s", "virtualUsers": 4},
    {"duration": "10s", "virtualUsers": 4},
]


def test_each_plateau_has_its_level_counts_times_and_what_was_confirmed_in_its_seconds() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "stages": STAGES}).steps
    aggregate = a_climbing_step(knows_seconds=True)

    low, high = plateau_summaries(step, aggregate)

    assert (low.first, low.end, low.level, low.unit) == (0, 10, 2.0, "virtual users")
    assert (high.first, high.end, high.level) == (20, 30, 4.0)
    assert (low.requests_per_second, low.records_per_second) == (2.0, 2_000.0)
    assert (high.requests_per_second, high.records_per_second) == (2.0, 3_000.0)
    assert (low.requests.rejected, low.error_rate) == (10, 10 / 30)
    assert (low.response_time_seconds.max, high.response_time_seconds.max) == (1.0, 3.0)


def test_a_plateau_that_was_cut_ends_with_the_load_and_has_the_rates_of_what_ran() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 2, "duration": "60s"}).steps
    stopped = structs.replace(a_climbing_step(knows_seconds=True), load_seconds=20.6)

    (plateau,) = plateau_summaries(step, stopped)

    assert (plateau.first, plateau.end) == (0, 20)
    assert (plateau.requests_per_second, plateau.records_per_second) == (2.0, 2_000.0)


def test_a_plateau_that_the_load_did_not_reach_is_left_out() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "stages": STAGES}).steps
    stopped = structs.replace(a_climbing_step(knows_seconds=True), load_seconds=15.0)

    assert [plateau.level for plateau in plateau_summaries(step, stopped)] == [2.0]


def test_a_step_that_a_pod_finished_has_its_plateaus_in_full() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "stages": STAGES}).steps
    complete = structs.replace(a_climbing_step(knows_seconds=True), load_seconds=29.98, finished_pods=1)

    assert [plateau.end for plateau in plateau_summaries(step, complete)] == [10, 30]


def test_a_plateau_whose_seconds_are_not_known_has_the_rates_of_its_uploads() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 2, "duration": "10s"}).steps
    aggregate = a_climbing_step(knows_seconds=False)

    (plateau,) = plateau_summaries(step, aggregate)

    assert (plateau.requests_per_second, plateau.records_per_second) == (2.0, 2_500.0)


def test_there_are_no_plateaus_where_a_last_word_left_a_pod_s_segments_out() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 2, "duration": "10s"}).steps
    told = StepAggregate(segment_counts=(counts(accepted=5),), segment_response=(sketch_of([SECOND]),), load_seconds=10)
    judged = counts(accepted=5)

    assert len(plateau_summaries(step, structs.replace(told, judged=judged))) == 1
    assert plateau_summaries(step, structs.replace(told, judged=judged.merge(judged))) == ()


def test_plateaus_that_no_pod_told_of_are_left_out() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 1_000, "virtualUsers": 2, "duration": "10s"}).steps

    assert plateau_summaries(step, StepAggregate(load_seconds=10.0)) == ()
