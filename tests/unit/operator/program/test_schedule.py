"""Which key is due when."""

import pytest

from loadtest_model.plan import Deadlines
from loadtest_operator.policy.backoff import FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS
from loadtest_operator.program.schedule import Schedule


@pytest.fixture
def schedule() -> Schedule[str]:
    return Schedule(lambda _: 0)


def test_a_key_is_handed_out_when_it_is_due_and_not_before(schedule: Schedule[str]) -> None:
    schedule.add("a", 10.0)

    assert schedule.take(9.9) is None
    assert schedule.next_due() == 10.0
    assert schedule.take(10.0) == "a"
    assert schedule.take(10.0) is None


def test_keys_are_handed_out_in_the_order_they_are_due(schedule: Schedule[str]) -> None:
    for key, at in [("late", 3.0), ("early", 1.0), ("middle", 2.0)]:
        schedule.add(key, at)

    assert [schedule.take(5.0) for _ in range(4)] == ["early", "middle", "late", None]


def test_asking_for_a_key_earlier_brings_it_forward_and_later_does_nothing(schedule: Schedule[str]) -> None:
    schedule.add("a", 10.0)
    schedule.add("a", 5.0)
    schedule.add("a", 20.0)

    assert schedule.next_due() == 5.0
    assert schedule.take(5.0) == "a"
    schedule.finish("a", 5.0, 5.0, None)
    assert schedule.take(100.0) is None


def test_a_key_that_is_worked_on_is_not_handed_out_again(schedule: Schedule[str]) -> None:
    schedule.add("a", 0.0)
    schedule.take(0.0)

    schedule.add("a", 1.0)

    assert schedule.take(2.0) is None
    assert schedule.next_due() is None
    schedule.finish("a", 2.0, 2.0, None)
    assert schedule.take(2.0) == "a"


def test_a_key_that_is_worked_on_does_not_hold_up_others(schedule: Schedule[str]) -> None:
    schedule.add("a", 0.0)
    schedule.take(0.0)
    schedule.add("a", 0.0)
    schedule.add("b", 0.0)

    assert schedule.take(0.0) == "b"


def test_a_finished_key_comes_back_after_the_time_it_asked_for(schedule: Schedule[str]) -> None:
    schedule.add("a", 0.0)
    schedule.take(0.0)

    schedule.finish("a", 4.0, 4.0, 2.0)

    assert schedule.take(5.9) is None
    assert schedule.take(6.0) == "a"


def test_the_length_of_a_turn_is_part_of_the_time_it_asked_for(schedule: Schedule[str]) -> None:
    schedule.add("a", 4.0)
    schedule.take(4.0)

    schedule.finish("a", 4.0, 5.2, 2.0)

    assert schedule.next_due() == 6.0


def test_a_turn_that_took_longer_than_it_asked_for_is_followed_by_a_rest(schedule: Schedule[str]) -> None:
    schedule.add("a", 4.0)
    schedule.take(4.0)

    schedule.finish("a", 4.0, 9.0, 2.0)

    assert schedule.next_due() == 9.5


def test_an_event_in_the_meantime_is_sooner_than_the_time_it_asked_for(schedule: Schedule[str]) -> None:
    schedule.add("a", 0.0)
    schedule.take(0.0)
    schedule.add("a", 1.0)

    schedule.finish("a", 4.0, 4.0, 60.0)

    assert schedule.take(4.0) == "a"


def test_failures_in_a_row_double_the_back_off_up_to_the_longest(schedule: Schedule[str]) -> None:
    backoffs = []
    for _ in range(12):
        schedule.add("a", 0.0)
        schedule.take(1e9)
        backoffs.append(schedule.fail("a", 1e9, jitter=1.0))

    assert backoffs[:3] == [FIRST_BACKOFF_SECONDS, 2 * FIRST_BACKOFF_SECONDS, 4 * FIRST_BACKOFF_SECONDS]
    assert backoffs[-1] == LONGEST_BACKOFF_SECONDS < Deadlines().linger_seconds / 2


def test_a_success_ends_the_row_of_failures(schedule: Schedule[str]) -> None:
    for _ in range(3):
        schedule.add("a", 0.0)
        schedule.take(1e9)
        schedule.fail("a", 0.0, jitter=0.0)
    schedule.take(1e9)
    schedule.finish("a", 0.0, 0.0, None)

    schedule.add("a", 0.0)
    schedule.take(0.0)

    assert schedule.fail("a", 0.0, jitter=1.0) == FIRST_BACKOFF_SECONDS


def test_jitter_spreads_keys_that_fail_together(schedule: Schedule[str]) -> None:
    for key in ("a", "b"):
        schedule.add(key, 0.0)
        schedule.take(0.0)

    assert schedule.fail("a", 0.0, jitter=0.0) < schedule.fail("b", 0.0, jitter=0.9)


def test_the_depth_counts_what_waits_and_what_is_worked_on_once(schedule: Schedule[str]) -> None:
    schedule.add("a", 0.0)
    schedule.add("b", 5.0)
    schedule.take(0.0)
    schedule.add("a", 1.0)

    assert schedule.depth == 2


def test_of_the_keys_that_are_due_the_lowest_rank_comes_first_and_equals_in_order() -> None:
    schedule: Schedule[str] = Schedule({"waits": 2, "waits too": 2, "runs": 0, "later": 0}.__getitem__)
    for key, at in [("waits", 1.0), ("waits too", 2.0), ("runs", 3.0), ("later", 9.0)]:
        schedule.add(key, at)

    assert [schedule.take(5.0) for _ in range(4)] == ["runs", "waits", "waits too", None]


def test_a_key_that_waits_for_its_turn_is_ranked_anew_when_it_is_asked_for_again() -> None:
    ranks = {"a": 2, "b": 2}
    schedule: Schedule[str] = Schedule(ranks.__getitem__)
    schedule.add("a", 0.0)
    schedule.add("b", 0.0)
    assert schedule.take(0.0, highest_rank=1) is None

    ranks["b"] = 1
    schedule.add("b", 0.0)

    assert [schedule.take(0.0) for _ in range(3)] == ["b", "a", None]


def test_a_rank_that_there_is_no_room_for_stays_due_and_does_not_hold_up_a_lower_one() -> None:
    schedule: Schedule[str] = Schedule({"waits": 2, "runs": 0}.__getitem__)
    schedule.add("waits", 0.0)
    schedule.add("runs", 1.0)

    assert [schedule.take(1.0, highest_rank=1) for _ in range(2)] == ["runs", None]
    assert schedule.take(1.0) == "waits"


def test_a_key_that_failed_rests_as_long_as_the_api_server_asks_for_within_the_longest_back_off(
    schedule: Schedule[str],
) -> None:
    assert schedule.fail("a", 0.0, 0.0, retry_after_seconds=7.0) == 7.0
    assert schedule.fail("b", 0.0, 0.0, retry_after_seconds=600.0) == LONGEST_BACKOFF_SECONDS
