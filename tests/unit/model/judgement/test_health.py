"""Each sign of health, with the evidence that shows it."""

import pytest
from msgspec import structs

from loadtest_model.judgement.health import (
    HealthLevel,
    assess_step,
    longest_silence_seconds,
    memory_health,
    worst_health,
)
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import sketch_of
from support.builders import a_plan, a_second, a_step, counts, with_cut_uploads

LIGHT = a_plan().steps[0]
STRESS = a_plan(scenario="stress").steps[0]


def series(length: int, *, answers: int = 4, response_seconds: float = 0.2, begin: int = 0) -> tuple[Second, ...]:
    return tuple(
        a_second(number, due=answers, answers=answers, response_seconds=response_seconds)
        for number in range(begin, begin + length)
    )


def test_a_quick_target_without_errors_is_good() -> None:
    health = assess_step(LIGHT, a_step(seconds=series(120)))

    assert (health.level, health.evidence) == (HealthLevel.GOOD, ())


@pytest.mark.parametrize(
    ("rejected", "level"), [(0, HealthLevel.GOOD), (3, HealthLevel.WARNING), (10, HealthLevel.CRITICAL)]
)
def test_the_error_rate_warns_above_one_and_alarms_above_five_per_cent(rejected: int, level: HealthLevel) -> None:
    assert assess_step(LIGHT, a_step(accepted=100, rejected=rejected)).level is level


@pytest.mark.parametrize(
    ("seconds_each", "level"), [(9.0, HealthLevel.GOOD), (12.0, HealthLevel.WARNING), (31.0, HealthLevel.CRITICAL)]
)
def test_the_average_warns_from_ten_and_alarms_above_thirty_seconds(seconds_each: float, level: HealthLevel) -> None:
    assert assess_step(LIGHT, a_step(seconds_each=seconds_each)).level is level


def test_time_outs_warn() -> None:
    health = assess_step(LIGHT, a_step(accepted=1_000, unknown=1, errors={ErrorKind.TIMEOUT: 1}))

    assert health.level is HealthLevel.WARNING
    assert "1 upload timed out" in health.evidence[0]


def test_uploads_that_were_cut_when_they_had_lasted_longer_than_any_that_ended_warn() -> None:
    health = assess_step(LIGHT, with_cut_uploads(a_step(accepted=1, seconds_each=0.5), 4, seconds_each=1.5))

    assert health.level is HealthLevel.WARNING
    assert health.evidence == (
        "light: 4 of 5 uploads had no answer when they were cut at the end, after up to 1.500 s; none that ended took"
        " longer than 507 ms",
    )


def test_a_single_upload_that_was_cut_is_told_of_in_the_singular() -> None:
    health = assess_step(LIGHT, with_cut_uploads(a_step(accepted=1, seconds_each=0.5), 1, seconds_each=1.5))

    assert "1 of 2 uploads had no answer when it was cut at the end" in health.evidence[0]


def test_uploads_that_were_cut_at_an_age_at_which_others_ended_say_nothing() -> None:
    health = assess_step(LIGHT, with_cut_uploads(a_step(accepted=10, seconds_each=5.0), 4, seconds_each=1.5))

    assert (health.level, health.evidence) == (HealthLevel.GOOD, ())


def test_a_target_that_answered_nothing_until_the_end_is_not_good_but_a_load_cut_at_once_says_nothing() -> None:
    step = with_cut_uploads(a_step(accepted=0), 5, seconds_each=5.0)

    assert assess_step(LIGHT, step).level is HealthLevel.WARNING
    assert assess_step(LIGHT, structs.replace(step, finished_pods=0)).level is HealthLevel.GOOD


def test_complete_failure_is_critical() -> None:
    health = assess_step(LIGHT, a_step(accepted=0, rejected=5))

    assert health.level is HealthLevel.CRITICAL
    assert "none of 5 uploads" in health.evidence[0]


def test_refused_connections_after_successes_say_that_the_target_went_down() -> None:
    health = assess_step(LIGHT, a_step(accepted=1_000, rejected=2, errors={ErrorKind.REFUSED: 2}))

    assert health.level is HealthLevel.CRITICAL
    assert "went down" in health.evidence[0]


def test_thirty_seconds_of_silence_with_an_upload_in_flight_are_critical() -> None:
    hanging = Second(second=10, counts=counts(unknown=1), virtual_users=1)
    cut = Second(second=44, counts=counts(), virtual_users=1, ended=1)
    seconds = (*series(10), hanging, cut, *series(5, begin=45))

    assert longest_silence_seconds(seconds) == 34
    assert assess_step(LIGHT, a_step(seconds=seconds)).level is HealthLevel.CRITICAL


@pytest.mark.parametrize("outcome", ["rejected", "unknown"])
def test_a_pause_after_an_upload_that_got_no_answer_is_no_silence(outcome: str) -> None:
    second_of_failure = Second(second=10, counts=counts(**{outcome: 1}), virtual_users=1, ended=1)

    assert longest_silence_seconds((*series(10), second_of_failure, *series(5, begin=60))) == 0


def test_silence_without_uploads_in_flight_is_a_pause() -> None:
    assert longest_silence_seconds((*series(10), *series(5, begin=60))) == 0


def test_uneven_throughput_on_a_plateau_warns() -> None:
    seconds = (*series(60, answers=4), *series(60, answers=2, begin=60))

    health = assess_step(LIGHT, a_step(seconds=seconds))

    assert health.level is HealthLevel.WARNING
    assert any("varies by" in text for text in health.evidence)


def test_throughput_of_few_answers_is_not_judged() -> None:
    seconds = tuple(
        structs.replace(second, answers=second.second % 3 == 0, records_answered=1_000 * (second.second % 3 == 0))
        for second in series(120)
    )

    assert not any("varies by" in text for text in assess_step(LIGHT, a_step(seconds=seconds)).evidence)


def test_a_median_that_rises_with_load_without_more_throughput_warns() -> None:
    seconds = (*series(200), *series(200, begin=200, response_seconds=0.6), *series(200, begin=400, response_seconds=1))
    step = structs.replace(
        a_step(seconds=seconds),
        segment_response=tuple(sketch_of([int(value * 1e9)] * 50) for value in (0.2, 0.6, 1.0)),
    )

    health = assess_step(STRESS, step)

    assert health.level is HealthLevel.WARNING
    assert any("from 2 to 6 virtual users the median goes from 200 ms to 600 ms" in text for text in health.evidence)


def test_a_response_time_that_rises_at_constant_load_warns() -> None:
    seconds = (*series(60, response_seconds=0.2), *series(60, response_seconds=0.4, begin=60))

    health = assess_step(LIGHT, a_step(seconds=seconds))

    assert any("rises at constant load" in text for text in health.evidence)


def test_a_response_time_that_rises_until_the_load_was_stopped_warns() -> None:
    seconds = (*series(30, response_seconds=0.2), *series(30, response_seconds=0.4, begin=30))
    stopped = structs.replace(a_step(seconds=seconds, finished_pods=0), load_seconds=60.4)

    health = assess_step(LIGHT, stopped)

    assert any("rises at constant load" in text for text in health.evidence)


def test_the_health_of_a_run_is_its_worst_steps() -> None:
    good, bad = assess_step(LIGHT, a_step()), assess_step(LIGHT, a_step(accepted=0, rejected=1))

    assert worst_health([good, bad]).level is HealthLevel.CRITICAL
    assert worst_health([]).level is HealthLevel.GOOD


def test_arrivals_that_find_every_user_busy_are_the_targets_doing_and_warn() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 10, "arrivalRate": 2, "duration": "60s"}).steps

    health = assess_step(step, structs.replace(a_step(accepted=120), vu_limit_reached=30))

    assert health.level is HealthLevel.WARNING
    assert "30 of 120 arrivals found none of 60 virtual users free" in health.evidence[0]


def test_in_the_open_model_plateaus_are_those_of_the_arrival_rate() -> None:
    stages = [{"duration": d, "arrivalRate": r} for r in (2, 6) for d in ("0s", "200s")]
    (step,) = a_plan(scenario="custom", load={"batchSize": 10, "stages": stages}).steps
    seconds = (*series(200), *series(200, begin=200, response_seconds=0.6))
    aggregate = structs.replace(
        a_step(seconds=seconds), segment_response=tuple(sketch_of([int(v * 1e9)] * 50) for v in (0.2, 0.6))
    )

    assert any("from 2 to 6 uploads/s due the median goes" in text for text in assess_step(step, aggregate).evidence)


def test_a_load_by_records_is_judged_up_to_its_end() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 10, "records": 10_000}).steps
    seconds = (*series(60, response_seconds=0.2), *series(60, response_seconds=0.4, begin=60))

    health = assess_step(step, structs.replace(a_step(seconds=seconds), load_seconds=120.0))

    assert any("rises at constant load" in text for text in health.evidence)


def test_target_memory_that_grows_warns() -> None:
    points = [(2.0 * number, 1e8 * (1 + number / 100)) for number in range(61)]

    assert memory_health(points).level is HealthLevel.WARNING
    assert memory_health(points[:10]).level is HealthLevel.GOOD
