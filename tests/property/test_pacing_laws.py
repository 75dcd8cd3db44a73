"""Laws of pacing: exact shares, and windows that agree with the number of users at every instant."""

from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from loadtest_model.load.pacing import (
    members_of,
    peak_users,
    share_of,
    stagger_seconds,
    user_plateaus,
    user_profile,
    users_at,
    windows_of,
)

counts = st.integers(1, 200)
stages = st.lists(st.tuples(st.integers(0, 40).map(float), st.integers(0, 12)), min_size=1, max_size=6)


@given(st.integers(0, 10_000), counts)
def test_shares_lose_nothing_and_differ_by_at_most_one(total: int, pods: int) -> None:
    shares = [share_of(total, index, pods) for index in range(pods)]

    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@given(st.integers(0, 500), counts)
def test_every_user_belongs_to_exactly_one_pod(total: int, pods: int) -> None:
    members = [user for index in range(pods) for user in members_of(total, index, pods)]

    assert sorted(members) == list(range(total))
    assert [len(members_of(total, index, pods)) for index in range(pods)] == [
        share_of(total, index, pods) for index in range(pods)
    ]


@given(stages, st.floats(0, 240))
@example([(12.0, 1), (1.0, 0)], 12.0)
def test_as_many_windows_are_open_as_users_run(points: list[tuple[float, int]], at: float) -> None:
    segments = user_profile(points)
    windows = [window for user in range(peak_users(segments)) for window in windows_of(segments, user)]
    # A level that a ramp reaches just where the next one leaves it holds for an instant, and nobody runs in an instant.
    joints = accumulate(segment.duration_seconds for segment in segments)
    edges = {round(edge, 6) for window in windows for edge in (window.begin_seconds, window.end_seconds)}
    if round(at, 6) in edges | {round(joint, 6) for joint in joints}:
        at += 1e-4

    running = sum(1 for window in windows if window.begin_seconds <= at < window.end_seconds)

    assert running == users_at(segments, at)


@given(stages)
def test_a_users_windows_are_in_order_and_apart(points: list[tuple[float, int]]) -> None:
    segments = user_profile(points)

    for user in range(peak_users(segments)):
        windows = windows_of(segments, user)
        edges = [edge for window in windows for edge in (window.begin_seconds, window.end_seconds)]
        assert edges == sorted(edges)
        assert all(window.begin_seconds < window.end_seconds for window in windows)


@given(st.floats(1, 3_600), st.integers(1, 500))
def test_plateaus_reach_all_users_and_last_as_long_as_planned(duration: float, users: int) -> None:
    segments = user_plateaus(duration, users, (0.2, 0.6, 1.0))

    assert peak_users(segments) == users
    assert abs(sum(segment.duration_seconds for segment in segments) - duration) < 1e-6
    assert all(segment.first_users == segment.last_users >= 1 for segment in segments)


@given(st.floats(1, 600), st.integers(1, 300))
def test_staggered_starts_stay_within_a_second_and_a_tenth_of_the_shortest_segment(length: float, users: int) -> None:
    segments = user_plateaus(length, users, (1.0,))

    waits = [stagger_seconds(segments, user) for user in range(users)]

    assert waits == sorted(waits)
    assert waits[0] == 0
    assert waits[-1] < min(1.0, length / 10) or users == 1
