"""What our own side did to an upload is counted beside it."""

import pytest

from loadgen.measure.own_tally import OwnTally
from loadgen.measure.samples import Sample
from loadtest_model.measurement.outcomes import ErrorKind

SECOND = 1_000_000_000


def a_sample(error: ErrorKind | None = None, own_seconds: float = 0.0) -> Sample:
    own_ns = int(own_seconds * SECOND)
    return Sample(
        intended_ns=0,
        sent_ns=0,
        finished_ns=20 * SECOND,
        rows=1,
        error=error,
        records_confirmed=0,
        bytes_sent=1,
        has_begun=True,
        own_response_ns=own_ns,
        own_service_ns=own_ns,
    )


def test_own_time_is_never_more_than_the_time_it_is_part_of() -> None:
    tally = OwnTally()

    tally.add(a_sample(own_seconds=30), 20 * SECOND, 10 * SECOND)

    assert tally.own_time().response.max_seconds == 20
    assert tally.own_time().service.max_seconds == 10


@pytest.mark.parametrize(("own_seconds", "excusable"), [(0.5, 0), (2.0, 1)])
def test_a_time_out_may_be_our_own_only_where_our_own_time_is_a_notable_part_of_it(
    own_seconds: float, excusable: int
) -> None:
    tally = OwnTally()

    tally.count_own_failure(a_sample(ErrorKind.TIMEOUT, own_seconds), 20 * SECOND)

    assert tally.own_time().timeouts == excusable


@pytest.mark.parametrize(("own_seconds", "excusable"), [(0.08, 0), (7.2, 1)])
def test_a_dropped_arrival_may_be_our_own_where_our_own_side_is_a_notable_part_of_its_wait(
    own_seconds: float, excusable: int
) -> None:
    tally = OwnTally()

    tally.drop(8 * SECOND, int(own_seconds * SECOND))

    assert tally.own_time().dropped == excusable
    assert tally.own_time().response.max_seconds == pytest.approx(own_seconds)


@pytest.mark.parametrize("late_seconds", [0.0, 0.005])
def test_a_dropped_arrival_that_the_target_would_have_had_on_time_says_nothing_of_its_times(
    late_seconds: float,
) -> None:
    tally = OwnTally()

    tally.drop(8 * SECOND, int((8 - late_seconds) * SECOND))

    assert tally.own_time().dropped == 1
    assert tally.own_time().response.count == 0
