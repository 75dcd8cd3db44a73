"""Thresholds are read strictly and judged on the right samples."""

import pytest
from msgspec import structs

from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadPart, UploadParts
from loadtest_model.thresholds.bounds import evaluate, parse_threshold
from loadtest_model.thresholds.metrics import METRICS
from support.builders import a_step


@pytest.mark.parametrize(
    ("text", "bound"),
    [("p95 < 20s", 20), ("p95<500ms", 0.5), ("error_rate < 1%", 0.01), ("error_rate < 0.02", 0.02), ("avg <= 1m", 60)],
)
def test_bounds_are_read_in_seconds_and_ratios(text: str, bound: float) -> None:
    assert parse_threshold(text).bound == pytest.approx(bound)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("p95 ~ 20s", "not of the form"),
        ("latency < 20s", "no known metric"),
        ("p95 < 20", "write a time"),
        ("error_rate < 1s", "write a share"),
        ("accepted_records >= 1%", "write a number"),
    ],
)
def test_a_wrong_threshold_is_named_with_what_would_be_right(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_threshold(text)


def test_the_error_rate_leaves_out_what_we_cancelled_and_counts_what_was_dropped() -> None:
    counts = Counts(due=110, sent=100, dropped=10, accepted=90, unknown=10, cancelled=10)

    result = evaluate(parse_threshold("error_rate < 1%"), StepAggregate(judged=counts), 60)

    assert result.value == pytest.approx(10 / 100)
    assert result.passed is False


def test_no_sample_is_no_judgement() -> None:
    assert evaluate(parse_threshold("p95 < 20s"), StepAggregate(), 60).passed is None


def test_with_too_few_samples_the_maximum_stands_in_and_is_flagged() -> None:
    step = StepAggregate(response=sketch_of([int(n * 1e9) for n in range(1, 20)]))

    result = evaluate(parse_threshold("p95 < 18.5s"), step, 60)

    assert (result.value, result.passed) == (19.0, False)
    assert "too few uploads for p95 (19)" in result.note


@pytest.mark.parametrize(("quantile", "samples"), [("p50", 2), ("p90", 10), ("p95", 20), ("p99", 100)])
@pytest.mark.parametrize("prefix", ["", "service_"])
def test_a_quantile_needs_as_many_samples_as_it_names_and_then_is_no_maximum(
    prefix: str, quantile: str, samples: int
) -> None:
    times = sketch_of([int(1e9)] * (samples - 1) + [int(30e9)])
    step = StepAggregate(response=times, service=times)

    result = evaluate(parse_threshold(f"{prefix}{quantile} < 20s"), step, 60)

    assert result.value == pytest.approx(1, rel=0.01)
    assert (result.passed, result.note) == (True, "")


def test_a_bound_within_the_sketchs_error_says_so() -> None:
    result = evaluate(parse_threshold("p50 < 1.001s"), a_step(seconds_each=1.0), 60)

    assert "within the sketch's error" in result.note


def test_a_hanging_target_breaches_a_bound_on_time_while_it_hangs() -> None:
    healthy = a_step(accepted=20, seconds_each=0.1)
    hanging = structs.replace(healthy, in_flight=5, in_flight_ages_seconds=(25.0,) * 5)

    assert evaluate(parse_threshold("p95 < 20s"), healthy, 60).passed is True
    assert evaluate(parse_threshold("p95 < 20s"), hanging, 60).passed is False


def test_uploads_in_flight_that_are_younger_than_the_bound_change_nothing() -> None:
    step = structs.replace(a_step(seconds_each=0.1), in_flight=5, in_flight_ages_seconds=(3.0,) * 5)

    assert evaluate(parse_threshold("avg < 20s"), step, 60).value == pytest.approx(0.1)


def test_rejected_uploads_never_improve_a_percentile() -> None:
    slow = a_step(accepted=100, seconds_each=25.0)
    with_fast_errors = structs.replace(slow, rejected_response=sketch_of([1_000_000] * 10_000))

    assert evaluate(parse_threshold("p95 < 20s"), with_fast_errors, 60).passed is False


def test_rates_divide_by_the_load_window() -> None:
    result = evaluate(parse_threshold("records_per_second > 999"), a_step(accepted=60), 60)

    assert result.value == pytest.approx(1_000)


def test_a_threshold_may_name_the_step_that_it_holds_for() -> None:
    threshold = parse_threshold("heavy.p95 < 20s")

    assert (threshold.step, threshold.metric, threshold.bound) == ("heavy", "p95", 20.0)
    with pytest.raises(ValueError, match="names no step"):
        parse_threshold("heaviest.p95 < 20s")


VALUES = {
    "error_rate": 11 / 21,
    "success_rate": 1 - 11 / 21,
    "avg": 2.0,
    "p50": 1.0,
    "p90": 3.0,
    "p95": 3.0,
    "p99": 3.0,
    "max": 3.0,
    "service_avg": 1.5,
    "service_p50": 1.0,
    "service_p90": 2.0,
    "service_p95": 2.0,
    "service_p99": 2.0,
    "service_max": 2.0,
    "connect_avg": 0.25,
    "connect_max": 0.4,
    "upload_avg": 0.5,
    "upload_max": 1.0,
    "wait_avg": 3.0,
    "wait_max": 3.0,
    "accepted": 10,
    "rejected": 4,
    "unknown": 2,
    "dropped": 5,
    "timeouts": 2,
    "sent_records": 130,
    "accepted_records": 90,
    "requests_per_second": 10 / 60,
    "records_per_second": 1.5,
    "bytes_per_second": 100,
}


@pytest.mark.parametrize("metric", METRICS)
def test_every_measured_quantity_can_be_bounded(metric: str) -> None:
    counts = Counts(
        due=22,
        sent=17,
        dropped=5,
        accepted=10,
        rejected=4,
        unknown=3,
        cancelled=1,
        records_sent=130,
        records_confirmed=90,
        bytes_sent=6_000,
    )
    step = StepAggregate(
        judged=counts,
        errors={ErrorKind.TIMEOUT: 2},
        response=sketch_of([10**9, 3 * 10**9]),
        service=sketch_of([10**9, 2 * 10**9]),
        parts=UploadParts(
            connect=UploadPart(count=2, sum_nanoseconds=500_000_000, max_nanoseconds=400_000_000),
            upload=UploadPart(count=2, sum_nanoseconds=10**9, max_nanoseconds=10**9),
            wait=UploadPart(count=1, sum_nanoseconds=3 * 10**9, max_nanoseconds=3 * 10**9),
        ),
    )

    measurement = METRICS[metric].read(step, 60.0)

    assert measurement.value == pytest.approx(VALUES[metric], rel=0.01)
    assert measurement.samples > 0


@pytest.mark.parametrize(
    ("text", "lasting"),
    [("max < 1s", True), ("rejected < 5", True), ("accepted > 5", False), ("p95 < 1s", False), ("avg < 1s", False)],
)
def test_only_a_breach_of_what_grows_lasts(text: str, lasting: bool) -> None:
    assert parse_threshold(text).breach_is_lasting is lasting


def test_uploads_in_flight_bear_on_response_times_and_on_no_others() -> None:
    hanging = StepAggregate(response=sketch_of([10**9]), service=sketch_of([10**9]), in_flight_ages_seconds=(50.0,))

    assert evaluate(parse_threshold("max < 20s"), hanging, 60).passed is False
    assert evaluate(parse_threshold("service_max < 20s"), hanging, 60).passed is True
