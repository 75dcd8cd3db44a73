"""What a climb comes to, from what was measured on its plateaus."""

from typing import Any

import pytest
from msgspec import structs

from loadtest_model.judgement.capacity import CapacityLimit, capacity_of, climb_end
from loadtest_model.judgement.climb import PlateauState
from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Verdict
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason
from support.climbs import PLATEAU_SECONDS, a_climb, a_climbed_step, a_plateau, found

SLOW = a_plateau(seconds=3.0)
UNOFFERED = OwnTime(offered=50, planned=100)
RUNNING = a_plateau(10, load_seconds=1.0, finished_pods=0)


def judged(plan: Plan, *plateaus: StepAggregate, **fields: Any) -> tuple[Verdict, object]:
    step = a_climbed_step(*plateaus, finished_pods=1)
    judgement = judge(Facts(plan=plan, aggregate=Aggregate(steps=(step,), pods=1), climb_ended=True, **fields))
    return judgement.verdict, judgement.reason


def test_the_highest_load_that_held_is_the_one_below_the_first_that_did_not() -> None:
    finding = found(a_climb(), a_plateau(100), a_plateau(200), SLOW, a_plateau(10, load_seconds=2.0, finished_pods=0))

    assert finding.held is not None
    assert (finding.held.level, finding.held.uploads_per_second, finding.held.records_per_second) == (2, 20, 200)
    assert finding.limiting is not None
    assert (finding.limiting.level, finding.limit, finding.is_at_least) == (4, CapacityLimit.THRESHOLD, False)
    assert finding.text == "at 4 virtual users, threshold p95 < 2s is breached: measured 3.000 s"


def test_a_climb_whose_every_plateau_held_says_at_least() -> None:
    finding = found(a_climb(), *[a_plateau(100 * level) for level in (1, 2, 4, 8)])

    assert finding.held is not None
    assert (finding.held.level, finding.limit, finding.is_at_least) == (8, CapacityLimit.LADDER, True)


def test_a_plateau_that_the_generator_could_not_offer_is_in_doubt_and_ends_the_climb() -> None:
    finding = found(a_climb(), a_plateau(100), a_plateau(200, 1.5, own=UNOFFERED), RUNNING, is_over=False)

    assert [plateau.state for plateau in finding.plateaus] == [PlateauState.HELD, PlateauState.IN_DOUBT]
    assert finding.held is not None
    assert (finding.held.level, finding.limit, finding.is_at_least) == (1, CapacityLimit.GENERATOR, True)


def test_a_plateau_with_too_few_uploads_does_not_hold_and_the_climb_goes_on() -> None:
    finding = found(a_climb(), a_plateau(19), a_plateau(19), RUNNING, is_over=False)

    assert [plateau.state for plateau in finding.plateaus[:2]] == [PlateauState.TOO_FEW_SAMPLES] * 2
    assert (finding.held, finding.limit) == (None, None)


def test_too_few_uploads_of_which_one_is_above_the_bound_end_the_climb() -> None:
    finding = found(a_climb(), a_plateau(100), a_plateau(19, 3.0), RUNNING, is_over=False)

    assert finding.plateaus[-1].state is PlateauState.TOO_FEW_SAMPLES
    assert (finding.limit, finding.is_at_least) == (CapacityLimit.SAMPLES, True)


def test_errors_limit_a_climb_as_times_do() -> None:
    finding = found(a_climb(), a_plateau(100), a_plateau(200, rejected=20))

    assert (finding.limit, finding.text) == (
        CapacityLimit.THRESHOLD,
        "at 2 virtual users, threshold error_rate < 1% is breached: measured 10.00%",
    )


def test_a_plateau_that_is_not_over_is_not_judged() -> None:
    finding = found(a_climb(), a_plateau(100), a_plateau(100, 3.0, load_seconds=9.0, finished_pods=0), is_over=False)

    assert (finding.plateaus[-1].state, finding.limit) == (PlateauState.UNFINISHED, None)


def test_uploads_in_flight_that_could_still_save_a_plateau_leave_it_open() -> None:
    waiting = a_plateau(100, in_flight=2, in_flight_ages_seconds=(1.9, 0.1), finished_pods=0)

    finding = found(a_climb(), waiting, RUNNING, is_over=False)

    assert (finding.plateaus[0].state, finding.limit) == (PlateauState.UNSETTLED, None)


def test_uploads_in_flight_that_are_too_old_already_decide_a_plateau() -> None:
    hanging = a_plateau(100, in_flight=10, in_flight_ages_seconds=(2.5,) * 10, finished_pods=0)

    finding = found(a_climb(), hanging, RUNNING, is_over=False)

    assert (finding.plateaus[-1].state, finding.limit) == (PlateauState.NOT_HELD, CapacityLimit.THRESHOLD)


def test_a_plateau_without_its_answers_after_the_next_one_ends_the_climb() -> None:
    waiting = a_plateau(100, in_flight=1, in_flight_ages_seconds=(11.0,), finished_pods=0)
    plan = a_climb()

    one_later = found(plan, waiting, a_plateau(200), is_over=False)
    two_later = found(plan, waiting, a_plateau(200), RUNNING, is_over=False)

    assert (one_later.limit, two_later.limit) == (None, CapacityLimit.SAMPLES)
    assert two_later.is_at_least


def test_a_plateau_that_a_pod_lacks_is_not_held() -> None:
    plan = structs.replace(a_climb(), parallelism=2)

    assert found(plan, a_plateau(100)).held is None


def test_a_critical_target_ends_a_climb_at_once() -> None:
    step = a_climbed_step(a_plateau(100), RUNNING)
    down = Health(level=HealthLevel.CRITICAL, evidence=("capacity: 3 connections were refused",))

    text = climb_end(a_climb(), Aggregate(steps=(step,), pods=1), down)

    assert text == (
        "the climb ends: at 2 virtual users, the target's health was Critical: capacity: 3 connections were refused"
    )
    assert not climb_end(a_climb(), Aggregate(steps=(step,), pods=1), Health())


@pytest.mark.parametrize(
    ("uploads", "knee", "is_in_doubt"),
    [
        ((1_000, 2_000, 2_200, 2_200), 2, False),
        ((1_000, 2_000, 4_000, 8_000), None, False),
        ((1_000, 1_100, 1_100, 1_100), 1, False),
        ((100, 200, 400, 580), 4, True),
        ((1_000, 1_200, 4_000, 8_000), None, False),
    ],
)
def test_the_knee_is_where_throughput_stops_growing_for_good(
    uploads: tuple[int, ...], knee: float | None, is_in_doubt: bool
) -> None:
    finding = found(a_climb(), *map(a_plateau, uploads))

    assert (finding.knee.level if finding.knee else None) == knee
    assert (finding.knee is not None and finding.knee.is_in_doubt) == is_in_doubt


def test_throughput_that_the_generator_held_back_is_no_knee() -> None:
    finding = found(a_climb(), a_plateau(1_000), a_plateau(2_000), a_plateau(2_000, 1.9, own=UNOFFERED))

    assert (finding.limit, finding.knee) == (CapacityLimit.GENERATOR, None)


def test_a_climb_that_requires_nothing_passes_where_the_target_ended_it() -> None:
    assert judged(a_climb(), a_plateau(100), SLOW) == (Verdict.PASSED, Reason.Passed)


def test_a_climb_of_which_no_load_held_fails() -> None:
    assert judged(a_climb(), SLOW) == (Verdict.FAILED, Reason.ThresholdBreached)


def test_a_climb_that_reached_what_is_required_passes() -> None:
    assert judged(a_climb(required=2), a_plateau(100), a_plateau(200), SLOW) == (Verdict.PASSED, Reason.Passed)


def test_a_climb_that_the_target_ended_below_what_is_required_fails() -> None:
    verdict = judged(a_climb(required=4), a_plateau(100), a_plateau(200), SLOW)

    assert verdict == (Verdict.FAILED, Reason.CapacityTooLow)


def test_a_climb_that_the_generator_ended_below_what_is_required_is_inconclusive() -> None:
    verdict = judged(a_climb(required=4), a_plateau(100), a_plateau(200, 1.5, own=UNOFFERED))

    assert verdict == (Verdict.INCONCLUSIVE, Reason.CapacityUnknown)


def test_a_climb_without_enough_uploads_anywhere_is_inconclusive() -> None:
    verdict = judged(a_climb(), *[a_plateau(10)] * 4)

    assert verdict == (Verdict.INCONCLUSIVE, Reason.CapacityUnknown)


def test_a_climb_whose_plateaus_were_lost_with_the_last_words_is_inconclusive() -> None:
    step = structs.replace(a_climbed_step(a_plateau(100), SLOW, finished_pods=1), plateaus=())

    judgement = judge(Facts(plan=a_climb(), aggregate=Aggregate(steps=(step,), pods=1), climb_ended=True))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.ResultsMissing)


def test_a_plateau_that_did_not_hold_in_one_of_two_pods_fails_nothing_by_itself() -> None:
    plan = structs.replace(a_climb(), parallelism=2)

    assert judged(plan, a_plateau(100), SLOW)[0] is Verdict.INCONCLUSIVE


def test_a_target_that_went_down_fails_whatever_held_before() -> None:
    step = a_climbed_step(a_plateau(100), a_plateau(200, rejected=100), errors={"refused": 100}, finished_pods=1)

    judgement = judge(Facts(plan=a_climb(), aggregate=Aggregate(steps=(step,), pods=1), climb_ended=True))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.HealthCritical)
    assert judgement.capacity is not None
    assert judgement.capacity.held is not None


def test_the_thresholds_of_a_climb_are_those_of_the_highest_load_that_held() -> None:
    step = a_climbed_step(a_plateau(100, 0.5), a_plateau(200, 1.0), SLOW, finished_pods=1)

    judgement = judge(Facts(plan=a_climb(), aggregate=Aggregate(steps=(step,), pods=1), climb_ended=True))

    assert [result.value for result in judgement.thresholds] == [0.0, pytest.approx(1.0, rel=0.01)]


def test_a_climb_is_unhealthy_neither_by_its_errors_nor_by_its_times() -> None:
    overloaded = a_plateau(200, 40.0, rejected=150)
    step = a_climbed_step(a_plateau(100), overloaded, finished_pods=1)

    judgement = judge(Facts(plan=a_climb(), aggregate=Aggregate(steps=(step,), pods=1), climb_ended=True))

    assert judgement.health.level is HealthLevel.GOOD


def test_a_plateau_without_any_answer_that_counts_is_not_held() -> None:
    finding = found(a_climb(), a_plateau(100, rejected=100, response=Sketch()))

    assert (finding.held, finding.limit) == (None, CapacityLimit.THRESHOLD)


def rising_climb(*plateaus: StepAggregate, rising: int) -> StepAggregate:
    """A climb on one of whose plateaus, by its number, the times of the answers rise."""
    step = a_climbed_step(*plateaus, finished_pods=1)
    first = rising * PLATEAU_SECONDS
    seconds = tuple(
        structs.replace(second, response_nanoseconds_sum=int(second.answers * (1 + second.second - first) * 1e8))
        if first <= second.second < first + PLATEAU_SECONDS
        else second
        for second in step.seconds
    )
    return structs.replace(step, seconds=seconds)


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (None, (Verdict.PASSED, Reason.Passed)),
        (1, (Verdict.PASSED, Reason.Passed)),
        (2, (Verdict.INCONCLUSIVE, Reason.CapacityUnknown)),
        (4, (Verdict.FAILED, Reason.CapacityTooLow)),
    ],
)
def test_a_plateau_on_which_times_still_rise_is_not_held_and_nobody_is_failed_for_it(
    required: int | None, expected: tuple[Verdict, Reason]
) -> None:
    plan = a_climb(required=required)
    aggregate = Aggregate(steps=(rising_climb(a_plateau(100), a_plateau(200), SLOW, rising=1),), pods=1)
    finding = capacity_of(plan, aggregate, Health())

    assert finding is not None
    assert [plateau.state for plateau in finding.plateaus] == [
        PlateauState.HELD,
        PlateauState.UNSTEADY,
        PlateauState.NOT_HELD,
    ]
    assert finding.held is not None
    assert (finding.held.level, finding.limit, finding.is_at_least) == (1, CapacityLimit.THRESHOLD, True)
    assert finding.text.endswith(
        "; 2 virtual users: not known to hold, because response time rises at constant load of 2 virtual users: 450 ms"
        " to 950 ms"
    )
    judgement = judge(Facts(plan=plan, aggregate=aggregate, climb_ended=True))
    assert (judgement.verdict, judgement.reason) == expected
