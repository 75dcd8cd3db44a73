"""Laws of doubt: an interval holds what was measured, and more of our own side never makes anything more certain."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate, parse_threshold
from loadtest_model.thresholds.doubt import true_value_interval
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import NANOSECONDS
from support.builders import counts

LONGEST_NS = 60 * NANOSECONDS


@st.composite
def steps(draw: st.DrawFn) -> StepAggregate:
    """A step whose every time holds a part of our own."""
    times = draw(st.lists(st.tuples(st.integers(1_000, LONGEST_NS), st.floats(0, 1)), min_size=1, max_size=200))
    response = sketch_of([time for time, _ in times])
    own_parts = [int(time * share) for time, share in times]
    own = sketch_of(own_parts)
    rest = sketch_of([time - part for (time, _), part in zip(times, own_parts, strict=True)])
    rejected, unknown, dropped = draw(st.integers(0, 20)), draw(st.integers(0, 20)), draw(st.integers(0, 20))
    planned = draw(st.integers(1, 1_000))
    return StepAggregate(
        judged=counts(accepted=len(times), rejected=rejected, unknown=unknown, dropped=dropped),
        response=response,
        service=response,
        load_seconds=60.0,
        own=OwnTime(
            response=own,
            service=own,
            response_without=rest,
            service_without=rest,
            lag_p99_seconds=draw(st.floats(0, 0.2)),
            offered=draw(st.integers(0, planned)),
            planned=planned,
            unsent=draw(st.integers(0, rejected)),
            timeouts=draw(st.integers(0, unknown)),
            dropped=draw(st.integers(0, dropped)),
        ),
    )


@given(steps(), st.sampled_from(sorted(METRICS)))
def test_an_interval_holds_the_value_that_was_measured(step: StepAggregate, metric: str) -> None:
    value = METRICS[metric].read(step, 60.0).value
    if value is None:
        return

    between = true_value_interval(metric, step, value, 60.0)

    assert between.low <= value <= between.high
    assert between.low >= 0


@given(steps(), st.sampled_from(sorted(METRICS)))
def test_without_anything_of_our_own_every_value_is_exact(step: StepAggregate, metric: str) -> None:
    value = METRICS[metric].read(step, 60.0).value
    if value is None:
        return

    assert true_value_interval(metric, structs.replace(step, own=OwnTime()), value, 60.0).is_exact


bounds = st.sampled_from(
    ["p50 < {}ms", "p95 < {}ms", "avg <= {}ms", "max < {}ms", "records_per_second > {}", "accepted > {}"]
)


@given(steps(), bounds, st.integers(1, 60_000))
def test_a_doubt_turns_into_the_judgement_of_the_plain_value_once_nothing_is_our_own(
    step: StepAggregate, form: str, bound: int
) -> None:
    def result_with(own: OwnTime) -> ThresholdResult:
        return evaluate(parse_threshold(form.format(bound)), structs.replace(step, own=own), 60.0)

    doubtful, plain = result_with(step.own), result_with(OwnTime())

    assert plain.passed is not None
    assert doubtful.passed in (None, plain.passed)


@given(steps(), st.integers(0, 400))
def test_a_count_of_accepted_uploads_is_in_doubt_by_those_that_our_own_side_kept_from_it(
    step: StepAggregate, bound: int
) -> None:
    own = structs.replace(step.own, offered=100, planned=100)

    result = evaluate(parse_threshold(f"accepted >= {bound}"), structs.replace(step, own=own), 60.0)

    most = step.judged.accepted + own.unsent + own.timeouts + own.dropped
    assert result.passed is (True if step.judged.accepted >= bound else None if most >= bound else False)


@given(steps(), st.sampled_from(["p50", "p90", "p95", "p99", "avg", "max", "service_p95"]))
def test_no_low_end_of_a_time_lies_above_the_same_figure_of_what_the_target_took(
    step: StepAggregate, metric: str
) -> None:
    value = METRICS[metric].read(step, 60.0).value
    without = structs.replace(step, response=step.own.response_without, service=step.own.service_without)
    targets_value = METRICS[metric].read(without, 60.0).value
    if value is None or targets_value is None:
        return

    low = true_value_interval(metric, step, value, 60.0).low

    assert low <= targets_value * (1 + 1e-9)
    if not step.own.lag_p99_seconds:
        assert abs(low - targets_value) <= 1e-9
