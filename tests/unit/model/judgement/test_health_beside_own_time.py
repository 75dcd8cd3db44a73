"""What our own side may have done is no sign of a target's health; what is left once that is taken off is one."""

import pytest
from msgspec import structs

from loadtest_model.judgement.health import assess_step
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.values import NANOSECONDS
from support.builders import a_plan, a_second, a_step, counts

LIGHT = a_plan().steps[0]
STRESS = a_plan(scenario="stress").steps[0]
PER_SECOND = 4


def seconds_with(times: list[float], answers: list[int] | None = None) -> tuple[Second, ...]:
    """Seconds with these average response times, and four answers each unless told otherwise."""
    return tuple(
        a_second(number, due=PER_SECOND, answers=count, response_seconds=time)
        for number, (time, count) in enumerate(zip(times, answers or [PER_SECOND] * len(times), strict=True))
    )


def own_of(*seconds: float) -> OwnTime:
    return OwnTime(response=sketch_of([int(value * NANOSECONDS) for value in seconds]))


def evidence_of(step: StepAggregate) -> str:
    return "; ".join(assess_step(STRESS if step.segment_response else LIGHT, step).evidence)


RISING = seconds_with([0.2] * 60 + [0.4] * 60)


@pytest.mark.parametrize(("own", "is_told"), [(own_of(*[0.2] * 160), False), (own_of(*[0.01] * 480), True)])
def test_times_that_rise_with_our_own_are_no_sign(own: OwnTime, is_told: bool) -> None:
    step = structs.replace(a_step(seconds=RISING), own=own)

    assert ("rises at constant load" in evidence_of(step)) is is_told


@pytest.mark.parametrize(("own", "is_told"), [(own_of(*[0.5] * 50), False), (own_of(*[0.01] * 50), True)])
def test_a_median_that_rises_with_our_own_time_is_no_sign(own: OwnTime, is_told: bool) -> None:
    step = structs.replace(
        a_step(seconds=seconds_with([0.2] * 200 + [0.6] * 400)),
        segment_response=tuple(sketch_of([int(value * NANOSECONDS)] * 50) for value in (0.2, 0.6, 0.6)),
        own=own,
    )

    assert ("the median goes from" in evidence_of(step)) is is_told


@pytest.mark.parametrize(
    ("own", "is_told"),
    [
        (OwnTime(longest_stall_seconds=5.0), False),
        (OwnTime(offered=80, planned=100), False),
        (OwnTime(longest_stall_seconds=0.1, offered=95, planned=100), True),
    ],
    ids=["a stop of this process", "too little offered", "nothing of note"],
)
def test_a_window_that_our_own_side_may_have_left_empty_is_no_sign(own: OwnTime, is_told: bool) -> None:
    answers = [PER_SECOND] * 60 + [2] * 10 + [PER_SECOND] * 50
    step = structs.replace(a_step(seconds=seconds_with([0.2] * 120, answers)), own=own)

    assert ("varies by" in evidence_of(step)) is is_told


def test_arrivals_that_would_have_found_a_user_free_without_us_are_no_sign() -> None:
    (step,) = a_plan(scenario="custom", load={"batchSize": 10, "arrivalRate": 2, "duration": "60s"}).steps
    measured = structs.replace(a_step(accepted=120), vu_limit_reached=30)

    some, none = (
        assess_step(step, structs.replace(measured, own=OwnTime(held_up=held_up))).evidence for held_up in (20, 30)
    )

    assert "10 of 120 arrivals found none of 60 virtual users free" in some[0]
    assert not none


@pytest.mark.parametrize(
    ("own_drops", "sign"),
    [
        (0, "error rate 40.00% is above 5%"),
        (10, "error rate 30.00% is above 5%, without what the generator itself may have caused"),
    ],
)
def test_an_error_rate_that_is_not_the_measured_one_says_so(own_drops: int, sign: str) -> None:
    step = structs.replace(
        a_step(), judged=counts(accepted=60, dropped=40), own=OwnTime(dropped=own_drops, offered=100, planned=100)
    )

    assert evidence_of(step) == f"light: {sign}"


@pytest.mark.parametrize(("own", "is_told"), [(own_of(0.01, 38.0), False), (own_of(0.01, 2.0), True)])
def test_a_silence_in_which_our_own_side_may_have_kept_the_uploads_is_no_sign(own: OwnTime, is_told: bool) -> None:
    # What was due in the tenth second was answered in the fiftieth, and nothing else was due in between.
    due = structs.replace(seconds_with([0.2] * 10)[9], second=10, ended=0, answers=0, records_answered=0)
    answered = structs.replace(due, second=50, counts=counts(), ended=PER_SECOND, answers=PER_SECOND)
    step = structs.replace(a_step(seconds=(*seconds_with([0.2] * 10), due, answered)), own=own)

    assert ("no answer for" in evidence_of(step)) is is_told
