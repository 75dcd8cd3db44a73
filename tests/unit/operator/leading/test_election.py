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
    TakeLease,
    WaitForLease,
    after_conflict,
    candidate_action,
    loss_reason,
    next_sighting,
)

HELD = Lease(holder="other", version="7", transitions=3)
OURS = Holding(Lease("me", "7", 3), renewed_at=100.0)


def test_a_lease_that_was_let_go_is_taken_at_once() -> None:
    free = Lease(holder="", version="8", transitions=3)

    assert candidate_action(Sighting(free, since=50.0), now=50.0) == TakeLease("8", 4)


def test_a_lease_that_is_held_is_left_alone_until_its_time_is_over() -> None:
    seen = Sighting(HELD, since=50.0)

    assert candidate_action(seen, now=50.0 + LEASE_SECONDS - 0.25) == WaitForLease(0.25)
    assert candidate_action(seen, now=50.0 + LEASE_SECONDS) == TakeLease("7", 4)


def test_a_wait_is_never_longer_than_the_time_between_two_looks() -> None:
    assert candidate_action(Sighting(HELD, since=50.0), now=50.0) == WaitForLease(POLL_SECONDS)


def test_every_change_of_the_lease_is_a_sign_of_its_holder() -> None:
    before = Sighting(HELD, since=50.0)

    assert next_sighting(before, HELD, now=55.0) == before
    assert next_sighting(before, Lease("other", "8", 3), now=55.0).since == 55.0


def test_a_lease_that_is_not_there_may_have_been_removed_from_under_its_holder() -> None:
    before = next_sighting(Sighting(HELD, since=40.0), None, now=50.0)

    assert isinstance(candidate_action(before, now=50.0), WaitForLease)
    assert candidate_action(before, now=50.0 + LEASE_SECONDS) == TakeLease(None, 0)


def test_a_holder_may_act_for_less_time_than_a_candidate_waits() -> None:
    assert not loss_reason(OURS, now=100.0 + HOLD_SECONDS - 0.1)
    assert loss_reason(OURS, now=100.0 + HOLD_SECONDS) == "the Lease could not be renewed for 8.0 s"
    assert HOLD_SECONDS < LEASE_SECONDS
    assert RENEW_SECONDS + 2 * REQUEST_SECONDS < HOLD_SECONDS


def test_a_renewal_counts_from_when_it_was_sent() -> None:
    assert OURS.with_renewal("8", sent_at=103.0).ends_at == 103.0 + HOLD_SECONDS


def test_a_lease_in_other_hands_ends_the_holder() -> None:
    assert after_conflict(OURS, Lease("other", "9", 4)) == "the Lease is held by other"
    assert after_conflict(OURS, Lease("", "9", 4)) == "the Lease is held by nobody"
    assert after_conflict(OURS, None) == "the Lease was removed"


def test_a_lease_that_somebody_labelled_is_still_ours_but_not_renewed() -> None:
    found = after_conflict(OURS, Lease("me", "9", 3))

    assert found == Holding(Lease("me", "9", 3), renewed_at=100.0)
