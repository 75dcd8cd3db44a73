"""What was noticed at the end of a stall may have come at any time within it."""

from loadgen.http.stalls import Stalls

MS = 1_000_000


def test_without_a_stall_nothing_is_our_own() -> None:
    stalls = Stalls()
    stalls.expect(20 * MS, 20 * MS)

    assert stalls.wake(21 * MS) == MS
    assert stalls.stalled_ns(0, 30 * MS) == 0


def test_what_is_noticed_while_a_sleeper_is_overdue_was_late_since_the_stall_began() -> None:
    stalls = Stalls()
    stalls.expect(20 * MS, 20 * MS)

    assert stalls.stalled_ns(0, 520 * MS) == 500 * MS


def test_of_a_stall_only_the_part_since_the_waiting_began_counts() -> None:
    stalls = Stalls()
    stalls.expect(20 * MS, 20 * MS)

    assert stalls.stalled_ns(420 * MS, 520 * MS) == 100 * MS


def test_what_is_worked_off_just_after_a_stall_was_late_by_it() -> None:
    stalls = Stalls()
    stalls.expect(20 * MS, 20 * MS)
    stalls.wake(520 * MS)
    stalls.expect(540 * MS, 540 * MS)

    assert stalls.stalled_ns(0, 530 * MS) == 500 * MS


def test_stalls_that_follow_each_other_count_together() -> None:
    stalls = Stalls()
    for begin, end in ((20, 120), (130, 230), (240, 340)):
        stalls.expect(begin * MS, begin * MS)
        stalls.wake(end * MS)

    assert stalls.stalled_ns(0, 341 * MS) == 300 * MS


def test_a_stall_long_ago_delayed_no_answer_that_came_since() -> None:
    stalls = Stalls()
    stalls.expect(20 * MS, 20 * MS)
    stalls.wake(520 * MS)

    assert stalls.stalled_ns(0, 900 * MS) == 0


def test_a_stall_may_have_begun_as_soon_as_the_sleeper_went_to_sleep() -> None:
    stalls = Stalls()
    stalls.expect(0, 20 * MS)

    assert stalls.stalled_ns(5 * MS, 520 * MS) == 515 * MS
    stalls.wake(520 * MS)
    assert stalls.stalled_ns(5 * MS, 521 * MS) == 515 * MS


def test_a_stall_began_after_what_was_noticed_last() -> None:
    stalls = Stalls()
    stalls.expect(0, 20 * MS)
    stalls.stalled_ns(0, 15 * MS)

    assert stalls.stalled_ns(0, 520 * MS) == 505 * MS
    stalls.wake(520 * MS)
    assert stalls.stalled_ns(0, 521 * MS) == 505 * MS


def test_a_loop_that_was_late_by_its_own_work_was_late_since_the_sleeper_was_due() -> None:
    stalls = Stalls()
    stalls.expect(0, 20 * MS)
    stalls.stalled_ns(0, 20 * MS)
    stalls.stalled_ns(0, 22 * MS)
    stalls.wake(25 * MS)

    assert stalls.stalled_ns(0, 25 * MS) == 5 * MS
