"""A target that answers everything at once is not accused of what chance makes of its load; one that stalls is."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from math import log
from random import Random

import pytest
from msgspec import structs

from loadtest_model.judgement.health import HealthLevel, assess_step
from loadtest_model.judgement.throughput import relative_deviation
from loadtest_model.load.arrivals import Arrivals, due_seconds
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from support.builders import a_plan, a_step

RUNS = 40

Respond = Callable[[float, Random], float]
"""The response time of an upload that begins at an instant."""


def an_open_step(arrivals: str, rate: float, seconds: int = 120) -> Step:
    load = {"batchSize": 1_000, "arrivalRate": rate, "arrivals": arrivals, "duration": f"{seconds}s"}
    return a_plan(scenario="custom", load=load).steps[0]


def a_closed_step(users: int, seconds: int = 120) -> Step:
    load = {"batchSize": 1_000, "virtualUsers": users, "duration": f"{seconds}s"}
    return a_plan(scenario="custom", load=load).steps[0]


def measured(uploads: list[tuple[float, float]], seconds: int) -> StepAggregate:
    """What is measured of uploads, each with its intended start and its response time; all are accepted."""
    due = Counter(int(begin) for begin, _ in uploads)
    ended = Counter(int(begin + response) for begin, response in uploads)
    sums = Counter[int]()
    for begin, response in uploads:
        sums[int(begin + response)] += int(response * 1e9)
    series = tuple(
        Second(
            second=number,
            counts=Counts(due=due[number], sent=due[number], accepted=due[number]),
            virtual_users=1,
            ended=ended[number],
            answers=ended[number],
            records_answered=1_000 * ended[number],
            response_nanoseconds_sum=sums[number],
        )
        for number in range(seconds + 10)
    )
    times = sketch_of([int(response * 1e9) for _, response in uploads])
    return structs.replace(a_step(accepted=len(uploads), seconds=series), response=times, segment_response=(times,))


def run_open(step: Step, seed: int, respond: Respond) -> StepAggregate:
    assert step.arrivals is not None
    random = Random(f"the answers of {seed}")
    return measured([(at, respond(at, random)) for at in due_in(step.arrivals, seed)], int(step.duration_seconds))


@cache
def due_in(arrivals: Arrivals, seed: int) -> tuple[float, ...]:
    """When uploads are due in the run of this seed, whatever the target answers."""
    return tuple(due_seconds(arrivals, Random(seed).random))


def run_closed(step: Step, users: int, seed: int, respond: Respond) -> StepAggregate:
    random = Random(seed)
    uploads: list[tuple[float, float]] = []
    for user in range(users):
        at = user / users
        while at < step.duration_seconds:
            uploads.append((at, respond(at, random)))
            at += uploads[-1][1]
    return measured(uploads, int(step.duration_seconds))


def at_once(_at: float, _random: Random) -> float:
    return 0.02


def steady(_at: float, _random: Random) -> float:
    return 0.5


def varied(_at: float, random: Random) -> float:
    """Exponentially distributed around half a second."""
    return -0.5 * log(1 - random.random())


def stalling(at: float, _random: Random) -> float:
    """Nothing is answered in the last six of every twenty seconds."""
    return 20 - at % 20 + 0.1 if at % 20 >= 14 else 0.1


@pytest.mark.parametrize("respond", [at_once, steady, varied])
@pytest.mark.parametrize("rate", [4, 10, 50])
@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_a_perfect_target_of_an_open_load_is_good_in_every_run(arrivals: str, rate: float, respond: Respond) -> None:
    step = an_open_step(arrivals, rate)

    evidence = [assess_step(step, run_open(step, seed, respond)).evidence for seed in range(RUNS)]

    assert evidence == [()] * RUNS


@pytest.mark.parametrize("respond", [steady, varied])
@pytest.mark.parametrize("users", [2, 5, 20])
def test_a_perfect_target_of_a_closed_load_is_good_in_every_run(users: int, respond: Respond) -> None:
    step = a_closed_step(users)

    evidence = [assess_step(step, run_closed(step, users, seed, respond)).evidence for seed in range(RUNS)]

    assert evidence == [()] * RUNS


@pytest.mark.parametrize("rate", [10, 50])
@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_a_target_that_stalls_under_an_open_load_is_told_by_its_answers_to_what_was_due(
    arrivals: str, rate: float
) -> None:
    step = an_open_step(arrivals, rate)

    for seed in range(RUNS):
        health = assess_step(step, run_open(step, seed, stalling))

        assert health.level is HealthLevel.WARNING
        assert any("of the uploads that were due" in text for text in health.evidence)


def test_a_few_long_times_do_not_pass_for_chance() -> None:
    assert relative_deviation(sketch_of([10**9] * 95 + [30 * 10**9] * 5)) == pytest.approx(0, abs=0.02)
