"""What an operator does about the Lease, given what it saw of it and when."""

from loadtest_operator.leading.election import (
    HOLD_SECONDS,
    LEASE_SECONDS,
    POLL_SECONDS,
    RENEW_SECONDS,
    REQUEST_SECONDS,
    Holding,
    Lease,
    Sighting,
    Take,
    Wait,
    after_conflict,
    candidate,
    lost,
    sighted,
)

HELD = Lease(holder="other", version="7", transitions=3)
OURS = Holding(Lease("me", "7", 3), renewed_at=100.0)


def test_a_lease_that_was_let_go_is_taken_at_once() -> None:
    free = Lease(holder="", version="8", transitions=3)

    assert candidate(Sighting(free, since=50.0), now=50.0) == Take("8", 4)


def test_a_lease_that_is_held_is_left_alone_until_its_time_is_over() -> None:
    seen = Sighting(HELD, since=50.0)

    assert candidate(seen, now=50.0 + LEASE_SECONDS - 0.25) == Wait(0.25)
    assert candidate(seen, now=50.0 + LEASE_SECONDS) == Take("7", 4)


def test_a_wait_is_never_longer_than_the_time_between_two_looks() -> None:
    assert candidate(Sighting(HELD, since=50.0), now=50.0) == Wait(POLL_SECONDS)


def test_every_change_of_the_lease_is_a_sign_of_its_holder() -> None:
    before = Sighting(HELD, since=50.0)

    assert sighted(before, HELD, now=55.0) == before
    assert sighted(before, Lease("other", "8", 3), now=55.0).since == 55.0


def test_a_lease_that_is_not_there_may_have_been_removed_from_under_its_holder() -> None:
    before = sighted(Sighting(HELD, since=40.0), None, now=50.0)

    assert isinstance(candidate(before, now=50.0), Wait)
    assert candidate(before, now=50.0 + LEASE_SECONDS) == Take(None, 0)


def test_a_holder_may_act_for_less_time_than_a_candidate_waits() -> None:
    assert not lost(OURS, now=100.0 + HOLD_SECONDS - 0.1)
    assert lost(OURS, now=100.0 + HOLD_SECONDS) == "the Lease could not be renewed for 8.0 s"
    assert HOLD_SECONDS < LEASE_SECONDS
    assert RENEW_SECONDS + 2 * REQUEST_SECONDS < HOLD_SECONDS


def test_a_renewal_counts_from_when_it_was_sent() -> None:
    assert OURS.renewed("8", sent_at=103.0).until == 103.0 + HOLD_SECONDS


def test_a_lease_in_other_hands_ends_the_holder() -> None:
    assert after_conflict(OURS, Lease("other", "9", 4)) == "the Lease is held by other"
    assert after_conflict(OURS, Lease("", "9", 4)) == "the Lease is held by nobody"
    assert after_conflict(OURS, None) == "the Lease was removed"


def test_a_lease_that_somebody_labelled_is_still_ours_but_not_renewed() -> None:
    found = after_conflict(OURS, Lease("me", "9", 3))

    assert found == Holding(Lease("me", "9", 3), renewed_at=100.0)
