"""What pods tell of a target's silence, merged, is what their seconds tell together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.judgement.health import longest_silence_seconds
from loadtest_model.measurement.counts import Counts, Second, merged_seconds
from loadtest_model.measurement.silence import (
    MOST_SPANS,
    UNRESPONSIVE_SECONDS,
    Silence,
    merged_silence,
    silence_of,
)

UPLOADS = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 90), st.booleans()), max_size=8)
"""When an upload began, how long it lasted, and whether it was answered."""


def seconds_of(uploads: list[tuple[int, int, bool]]) -> tuple[Second, ...]:
    numbers = sorted({second for begin, length, _ in uploads for second in (begin, begin + length)})
    seconds = []
    for number in numbers:
        sent = sum(begin == number for begin, _, _ in uploads)
        ended = [is_answered for begin, length, is_answered in uploads if begin + length == number]
        counts = Counts(due=sent, sent=sent, accepted=sent)
        seconds.append(Second(second=number, counts=counts, virtual_users=1, ended=len(ended), answers=sum(ended)))
    return tuple(seconds)


@given(st.lists(UPLOADS, min_size=1, max_size=4))
def test_the_silence_of_a_fleet_is_that_of_its_seconds(pods: list[list[tuple[int, int, bool]]]) -> None:
    seconds = [seconds_of(uploads) for uploads in pods]

    merged = merged_silence([silence_of(each) for each in seconds])

    exact = longest_silence_seconds(merged_seconds(seconds))
    if exact >= UNRESPONSIVE_SECONDS:
        assert merged.longest_seconds == exact
    else:
        assert merged.longest_seconds < UNRESPONSIVE_SECONDS
    assert merged.due == sum(len(uploads) for uploads in pods)


@given(st.lists(UPLOADS.map(lambda uploads: silence_of(seconds_of(uploads))), min_size=3, max_size=3))
def test_the_order_and_the_grouping_of_merges_do_not_matter(parts: list[Silence]) -> None:
    first, second, third = parts

    assert merged_silence([merged_silence([first, second]), third]) == merged_silence([third, second, first])
    assert merged_silence([first, Silence()]) == merged_silence([first])


@given(st.lists(st.integers(0, 60), min_size=30, max_size=60))
def test_many_gaps_are_told_in_few_spans_and_never_as_longer_ones(pauses: list[int]) -> None:
    uploads, begin = [], 0
    for pause in pauses:
        uploads.append((begin, pause, True))
        begin += pause + 1
    seconds = seconds_of(uploads)

    silence = silence_of(seconds)

    assert len(silence.answered) <= MOST_SPANS
    assert len(silence.waiting) <= MOST_SPANS
    assert all(end < begin for (_, end), (begin, _) in pairwise(silence.answered))
    assert silence.longest_seconds <= max(longest_silence_seconds(seconds), UNRESPONSIVE_SECONDS - 1)
