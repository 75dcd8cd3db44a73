"""The load that virtual users offer of what was planned for them: never more than until the end, and none held back."""

import asyncio
from typing import Any

from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.thresholds.bounds import evaluate, parse_threshold
from support.timed_loads import Ran, TimedUploader, a_custom_plan, load
from support.virtual_time import VirtualTimeLoop, run_in_virtual_time

SECONDS = 10.0
THROTTLED_LAST = [None, None, None, ErrorKind.THROTTLED]


def load_stopped_at(at_seconds: float, stop_seconds: float, uploader: TimedUploader, **load_fields: Any) -> Ran:
    """A load of ten seconds in which this process stands still from an instant on."""

    async def stopped_load() -> Ran:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        if at_seconds:
            loop.call_later(at_seconds, loop.skip, stop_seconds)
        else:
            loop.call_soon(loop.skip, stop_seconds)
        return await load(a_custom_plan(duration=f"{SECONDS:.0f}s", **load_fields), uploader)

    return run_in_virtual_time(stopped_load())


def planned_seconds(step: StepAggregate) -> float:
    return step.own.planned / 1e9


def test_the_pause_that_a_target_asks_for_is_planned_until_the_end_of_the_load_alone() -> None:
    uploader = TimedUploader([1.0], THROTTLED_LAST, making_seconds=[1.0], pause_seconds=3_600)

    step = run_in_virtual_time(load(a_custom_plan(virtualUsers=1, duration="10s"), uploader)).step

    assert planned_seconds(step) == SECONDS
    # Four uploads of a second each, and two seconds of pause.
    assert abs(step.own.offered_share - 0.6) < 0.001
    assert evaluate(parse_threshold("records_per_second > 10"), step, SECONDS).is_in_doubt


def test_what_a_user_would_have_uploaded_while_this_process_stood_still_until_the_end_was_not_offered() -> None:
    # Due again at 5.1 s, after half a second in which nothing ran.
    step = load_stopped_at(4.6, 20.0, TimedUploader([0.1]), virtualUsers=1, thinkTime="5s").step

    assert abs(planned_seconds(step) - SECONDS) < 0.001
    assert abs(step.own.offered_share - 0.51) < 0.001
    assert evaluate(parse_threshold("accepted > 1"), step, SECONDS).is_in_doubt


def test_what_a_user_would_have_uploaded_before_this_process_came_to_its_start_was_not_offered() -> None:
    step = load_stopped_at(0.0, 4.0, TimedUploader([1.0]), virtualUsers=1).step

    assert abs(planned_seconds(step) - SECONDS) < 0.001
    assert abs(step.own.offered_share - 0.6) < 0.001
    assert evaluate(parse_threshold("accepted > 8"), step, SECONDS).is_in_doubt


def test_a_user_who_comes_back_on_a_second_ramp_keeps_the_pause_that_was_asked_for_before() -> None:
    stages = [(0, 1), (4, 1), (0, 0), (3, 0), (0, 1), (10, 1)]
    plan = a_custom_plan(stages=[{"duration": f"{seconds}s", "virtualUsers": users} for seconds, users in stages])
    uploader = TimedUploader([1.0], THROTTLED_LAST, pause_seconds=5)

    ran = run_in_virtual_time(load(plan, uploader))

    # The fourth upload ends at 4 s, and the second time begins at 7 s.
    assert ran.due_at[:5] == [0.0, 1.0, 2.0, 3.0, 9.0]
    assert ran.step.own.offered_share == 1.0


def test_an_upload_that_outlasts_its_users_time_is_not_held_against_the_next_time() -> None:
    stages = [(0, 1), (4, 1), (0, 0), (1, 0), (0, 1), (10, 1)]
    plan = a_custom_plan(stages=[{"duration": f"{seconds}s", "virtualUsers": users} for seconds, users in stages])

    ran = run_in_virtual_time(load(plan, TimedUploader([3.0])))

    assert ran.due_at[:3] == [0.0, 3.0, 6.0]
    assert ran.step.own.offered_share == 1.0
