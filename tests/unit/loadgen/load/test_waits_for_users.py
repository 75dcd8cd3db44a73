"""Arrivals wait for virtual users whom our own side keeps busy, or the target, and each is blamed for its part."""

import asyncio
from random import Random
from typing import Any

import pytest

from loadgen.measure.recorder import Recorder
from loadtest_model.judgement.health import assess_step
from loadtest_model.measurement.step import StepAggregate, merged_step
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate, parse_threshold
from support.timed_loads import TimedUploader, a_custom_plan, load
from support.virtual_time import VirtualTimeLoop, run_in_virtual_time

SECONDS = 10.0
FAST, SLOW = 0.03, 2.0


def step_of(uploader: TimedUploader, **load_fields: Any) -> StepAggregate:
    plan = a_custom_plan(duration=f"{SECONDS:.0f}s", **load_fields)
    return run_in_virtual_time(load(plan, uploader)).step


def result_of(expression: str, step: StepAggregate) -> ThresholdResult:
    return evaluate(parse_threshold(expression), step, SECONDS)


def evidence_of(step: StepAggregate, **load_fields: Any) -> tuple[str, ...]:
    plan = a_custom_plan(duration=f"{SECONDS:.0f}s", **load_fields)
    return assess_step(plan.steps[0], step).evidence


@pytest.mark.parametrize("max_lateness", ["500ms", "5s"])
def test_a_wait_for_users_who_wait_for_our_own_encoder_is_not_the_targets(max_lateness: str) -> None:
    fields = {"arrivalRate": 20, "virtualUsers": 5, "maxLateness": max_lateness}

    step = step_of(TimedUploader([FAST], making_seconds=[0.5]), **fields)

    assert step.own.dropped == step.judged.dropped > 100
    assert step.own.held_up == step.vu_limit_reached > 100
    assert step.own.offered_share < 0.2
    for expression in ("p95 < 500ms", "error_rate < 1%", "dropped < 10", "accepted > 100", "records_per_second > 100"):
        result = result_of(expression, step)
        assert result.is_in_doubt, result
    p95 = result_of("p95 < 500ms", step)
    assert p95.low is not None
    assert p95.low <= FAST * 1.02
    assert p95.value is not None
    assert p95.value < SECONDS, "no upload lasted longer than the load"
    assert not any("virtual users free" in text for text in evidence_of(step, **fields))


def test_a_slow_target_is_to_blame_for_every_wait_and_drop_if_our_own_side_takes_no_time() -> None:
    fields = {"arrivalRate": 20, "virtualUsers": 5, "maxLateness": "2s"}

    step = step_of(TimedUploader([SLOW]), **fields)

    assert step.judged.dropped > 100
    assert (step.own.dropped, step.own.held_up) == (0, 0)
    assert (step.own.response.max_nanoseconds, step.own.offered_share) == (0, 1.0)
    for expression in ("p95 < 500ms", "error_rate < 1%", "dropped < 10", "accepted > 100", "records_per_second > 100"):
        assert result_of(expression, step).passed is False, expression
    assert any("the target does not keep up" in text for text in evidence_of(step, **fields))


def test_an_overload_is_all_the_targets_however_much_its_times_differ() -> None:
    # A tenth more is due than the target can take.
    draw = Random(1)
    uploader = TimedUploader([draw.expovariate(1.0) for _ in range(1_009)])

    step = step_of(uploader, arrivalRate=110, virtualUsers=100, maxLateness="500ms")

    assert step.judged.dropped > 20
    assert step.own.dropped == 0
    assert (step.own.response.max_seconds or 0.0) < 0.005
    assert result_of("dropped < 10", step).passed is False


def test_a_slow_target_fails_beside_a_starved_generator_if_the_breach_exceeds_the_doubt() -> None:
    # Four users could upload twice a second if our own side took no time. Five a second are due.
    step = step_of(TimedUploader([SLOW], making_seconds=[0.3]), arrivalRate=5, virtualUsers=4, maxLateness="1s")

    assert 0 < step.own.dropped < step.judged.dropped
    error_rate = result_of("error_rate < 30%", step)
    assert error_rate.passed is False, error_rate
    assert result_of("p90 < 2s", step).passed is False


def test_an_arrival_that_waits_at_the_end_enters_the_times_at_its_age() -> None:
    step = step_of(TimedUploader([SLOW]), arrivalRate=2, virtualUsers=1, maxLateness="5s", warmUp="6s")

    longest = step.censored.response.max_seconds
    assert longest is not None
    assert longest < SECONDS - 6.0 + 0.001
    assert step.judged.dropped == step.censored.response.count > 0
    assert result_of("p95 < 1s", step).passed is False


def test_what_is_dropped_after_a_stop_of_this_process_is_not_the_targets() -> None:
    uploader = TimedUploader([0.1])

    def stop_for_three_seconds() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        now_ns = round(loop.time() * 1e9)
        uploader.stalls.expect(now_ns, now_ns)
        loop.skip(3.0)
        uploader.stalls.wake(round(loop.time() * 1e9))

    async def stopped_load() -> StepAggregate:
        asyncio.get_running_loop().call_later(4.05, stop_for_three_seconds)
        plan = a_custom_plan(duration="10s", arrivalRate=10, virtualUsers=2, maxLateness="500ms")
        return (await load(plan, uploader)).step

    step = run_in_virtual_time(stopped_load())

    assert step.judged.dropped > 20
    assert step.own.dropped == step.judged.dropped
    assert result_of("error_rate < 1%", step).is_in_doubt


@pytest.mark.parametrize(
    "fields", [{"arrivalRate": 20, "virtualUsers": 5}, {"virtualUsers": 20}], ids=["open model", "closed model"]
)
def test_what_waits_for_our_own_encoder_has_no_age_that_breaches_a_bound(fields: dict[str, Any]) -> None:
    step = step_under_way(TimedUploader([FAST], making_seconds=[0.5]), **fields)

    assert step.in_flight >= 4
    assert max(step.in_flight_ages_seconds) <= FAST
    assert result_of("p95 < 500ms", step).passed is not False


@pytest.mark.parametrize(
    "fields", [{"arrivalRate": 20, "virtualUsers": 5}, {"virtualUsers": 5}], ids=["open model", "closed model"]
)
def test_what_waits_for_the_target_has_an_age_that_breaches_a_bound(fields: dict[str, Any]) -> None:
    step = step_under_way(TimedUploader([20.0]), **fields)

    assert max(step.in_flight_ages_seconds) > 3.5
    assert result_of("p95 < 500ms", step).passed is False


def step_under_way(uploader: TimedUploader, **load_fields: Any) -> StepAggregate:
    """The step as it stands after four seconds."""

    async def read() -> StepAggregate:
        recorder = Recorder(0, 1)
        running = asyncio.create_task(load(a_custom_plan(duration="10s", **load_fields), uploader, recorder=recorder))
        await asyncio.sleep(4.0)
        (step,) = recorder.read(0, round(asyncio.get_running_loop().time() * 1e9))[1]
        running.cancel()
        return step

    return run_in_virtual_time(read())


def test_a_little_time_of_our_own_excuses_little_of_what_an_overloaded_target_drops() -> None:
    # Our own side takes a hundredth of what the target takes, and four times as much is due as it can take.
    step = step_of(TimedUploader([1.0], making_seconds=[0.01]), arrivalRate=20, virtualUsers=5, maxLateness="1s")

    assert step.judged.dropped > 100
    assert step.own.dropped < 0.1 * step.judged.dropped
    assert result_of("error_rate < 50%", step).passed is False


@pytest.mark.parametrize("is_slow_pod_first", [True, False])
def test_one_pod_of_a_fleet_that_waits_for_its_encoder_blames_no_target(is_slow_pod_first: bool) -> None:
    fields = {"arrivalRate": 40, "virtualUsers": 10, "parallelism": 2}
    plan = a_custom_plan(duration=f"{SECONDS:.0f}s", **fields)
    pods = [
        run_in_virtual_time(load(plan, TimedUploader([FAST], making_seconds=[making]), index=index)).step
        for index, making in enumerate([0.5, 0.001])
    ]

    step = merged_step(pods if is_slow_pod_first else pods[::-1])

    assert 0 < step.own.dropped == step.judged.dropped
    for expression in ("p95 < 500ms", "error_rate < 1%", "accepted > 300", "records_per_second > 300"):
        assert result_of(expression, step).is_in_doubt, expression
    assert not assess_step(plan.steps[0], step).evidence


def test_what_a_token_keeps_waiting_is_not_the_targets() -> None:
    uploader = TimedUploader([FAST], token_seconds=6.0)

    step = step_of(uploader, arrivalRate=20, virtualUsers=5, maxLateness="1s")

    assert step.judged.dropped > 50
    assert step.own.dropped == step.judged.dropped
    assert result_of("p95 < 500ms", step).passed is not False
    assert result_of("error_rate < 1%", step).is_in_doubt


@pytest.mark.parametrize("warm_up", ["0s", "3s"])
def test_a_ramp_beyond_what_our_own_encoder_makes_blames_no_target(warm_up: str) -> None:
    stages = [{"duration": "0s", "arrivalRate": 1}, {"duration": "10s", "arrivalRate": 40}]
    plan = a_custom_plan(stages=stages, virtualUsers=10, warmUp=warm_up)

    step = run_in_virtual_time(load(plan, TimedUploader([FAST], making_seconds=[0.25]))).step

    assert 0 < step.own.dropped == step.judged.dropped
    assert result_of("p95 < 500ms", step).is_in_doubt
    assert result_of("error_rate < 1%", step).is_in_doubt
    assert not any("virtual users free" in text for text in assess_step(plan.steps[0], step).evidence)
