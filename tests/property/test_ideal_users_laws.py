"""Laws of the ideal users: the target is never blamed for more of a wait than it caused, and for all of it if alone."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loadgen.http.stalls import Stalls
from loadgen.load.ideal_users import IdealUsers

MS = 1_000_000


@dataclass(frozen=True)
class Arrival:
    """An upload that is due at an instant; our own side has it first, and then the target."""

    due_ns: int
    own_ns: int
    target_ns: int


def starts_of(arrivals: Sequence[Arrival], users: int, *, is_ideal: bool) -> list[int]:
    """When so many users begin each arrival, first come first served."""
    free_at = [0] * users
    starts = []
    for arrival in arrivals:
        start_ns = max(arrival.due_ns, heapq.heappop(free_at))
        heapq.heappush(free_at, start_ns + arrival.target_ns + (0 if is_ideal else arrival.own_ns))
        starts.append(start_ns)
    return starts


def told_starts(arrivals: Sequence[Arrival], users: int) -> list[int]:
    """When the ideal users would have begun each arrival, told as the real users begin and end them."""
    starts = starts_of(arrivals, users, is_ideal=False)
    ends = [start + arrival.own_ns + arrival.target_ns for start, arrival in zip(starts, arrivals, strict=True)]

    def target_ns(number: int, now_ns: int) -> int:
        return min(arrivals[number].target_ns, max(0, now_ns - starts[number] - arrivals[number].own_ns))

    instant_ns = 0

    def awaits_answer(number: int) -> bool:
        return instant_ns >= starts[number] + arrivals[number].own_ns

    ideal_users = IdealUsers(users, target_ns, awaits_answer, Stalls())
    # An upload before them took the least time, so no other is faster than one that has ended.
    least_ns = min(arrival.target_ns for arrival in arrivals)
    ideal_users.begin(-1, -least_ns)
    ideal_users.end(-1, least_ns)
    told = [0] * len(arrivals)
    # At one instant a user ends an upload before it begins another.
    events = sorted([(end, 0, number) for number, end in enumerate(ends)] + [(at, 1, n) for n, at in enumerate(starts)])
    under_way = set()
    for now_ns, is_begin, number in events:
        instant_ns = now_ns
        if not is_begin and number in under_way:
            ideal_users.end(number, arrivals[number].target_ns)
        elif is_begin:
            told[number] = ideal_users.start_of(arrivals[number].due_ns, now_ns)
            ideal_users.begin(number, told[number])
            under_way.add(number)
    return told


@st.composite
def loads(draw: st.DrawFn, own_ms: st.SearchStrategy[int]) -> list[Arrival]:
    gaps = draw(st.lists(st.integers(1, 300), min_size=1, max_size=40))
    due_ns, arrivals = 0, []
    for gap in gaps:
        due_ns += gap * MS
        arrivals.append(Arrival(due_ns, draw(own_ms) * MS, draw(st.integers(1, 2_000)) * MS))
    return arrivals


users = st.integers(1, 5)


@given(loads(st.integers(0, 2_000)), users)
def test_an_ideal_generator_would_have_begun_no_arrival_earlier_than_is_told(
    arrivals: list[Arrival], users: int
) -> None:
    told = told_starts(arrivals, users)

    ideal, real = starts_of(arrivals, users, is_ideal=True), starts_of(arrivals, users, is_ideal=False)
    assert all(
        arrival.due_ns <= start <= min(latest, begun)
        for arrival, start, latest, begun in zip(arrivals, told, ideal, real, strict=True)
    )


@given(loads(st.just(0)), users)
def test_every_wait_is_the_targets_where_our_own_side_takes_no_time(arrivals: list[Arrival], users: int) -> None:
    assert told_starts(arrivals, users) == starts_of(arrivals, users, is_ideal=False)


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02]))
def test_a_long_overload_with_many_users_is_the_targets_but_for_what_our_own_side_takes(
    seed: int, own_share: float
) -> None:
    draw, users = Random(seed), 40
    times_ns = [round(draw.expovariate(1 / (50 * MS))) + 1 for _ in range(600)]
    arrivals = [Arrival(number * MS, round(time * own_share), time) for number, time in enumerate(times_ns)]

    told = told_starts(arrivals, users)

    ideal, real = starts_of(arrivals, users, is_ideal=True), starts_of(arrivals, users, is_ideal=False)
    assert all(start <= latest for start, latest in zip(told, ideal, strict=True))
    if not own_share:
        waits_ns = [start - arrival.due_ns for start, arrival in zip(real, arrivals, strict=True)]
        # An upload that has just begun is not looked at before the next turn.
        assert sum(real) - sum(told) <= 0.01 * sum(waits_ns)
