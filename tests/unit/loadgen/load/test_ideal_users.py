"""When a user of an ideal generator would have been free, at the edges that the laws do not reach."""

from loadgen.http.stalls import Stalls
from loadgen.load.ideal_users import IdealUsers

MS = 1_000_000
SECOND = 1_000 * MS


def users_with(uploads: int, limit: int, stalls: Stalls | None = None) -> IdealUsers:
    """Users of whom so many have been busy with the target since the beginning."""
    users = IdealUsers(limit, lambda _, now_ns: now_ns, lambda _: True, stalls or Stalls())
    for number in range(uploads):
        users.begin(number, 0)
    return users


def test_with_a_user_to_spare_an_arrival_begins_when_it_is_due() -> None:
    assert users_with(4, limit=5).start_of(3 * SECOND, 10 * SECOND) == 3 * SECOND


def test_users_are_busy_for_as_long_as_the_target_has_their_uploads() -> None:
    assert users_with(5, limit=5).start_of(3 * SECOND, 10 * SECOND) == 10 * SECOND


def test_more_users_than_are_looked_at_at_once_are_looked_at_in_turn() -> None:
    users = users_with(2_500, limit=2_500)

    starts = [users.start_of(3 * SECOND, 10 * SECOND + look * 30 * MS) for look in range(5)]

    assert starts == [3 * SECOND] * 4 + [10 * SECOND + 120 * MS]


def test_a_stall_of_this_process_is_no_time_with_the_target() -> None:
    stalls = Stalls()
    users = users_with(5, limit=5, stalls=stalls)
    stalls.expect(4 * SECOND, 4 * SECOND)
    stalls.wake(10 * SECOND)

    assert users.start_of(3 * SECOND, 10 * SECOND) == 4 * SECOND


def test_an_arrival_that_was_never_sent_takes_the_time_of_those_that_were() -> None:
    users = users_with(2, limit=1)
    users.end(0, 2 * SECOND)
    users.end(1, 3 * SECOND)

    users.pass_over(4 * SECOND)

    assert users.start_of(5 * SECOND, 20 * SECOND) == 6 * SECOND
    users.pass_over(6 * SECOND)
    assert users.start_of(7 * SECOND, 20 * SECOND) == 9 * SECOND
