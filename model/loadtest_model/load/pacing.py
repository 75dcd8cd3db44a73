"""When virtual users run: stages, the number of users at an instant, and each pod's exact part of them."""

from collections.abc import Iterator, Sequence
from itertools import repeat

from loadtest_model.values import WireValue


class Segment(WireValue, frozen=True, kw_only=True):
    """A piece of a load profile: users change linearly from `first_users` to `last_users`."""

    duration_seconds: float
    first_users: int
    last_users: int


class Window(WireValue, frozen=True, kw_only=True):
    """A time, in seconds from the step's start, during which one virtual user may begin iterations."""

    begin_seconds: float
    end_seconds: float


def user_profile(stages: Sequence[tuple[float, int]]) -> tuple[Segment, ...]:
    """The segments of stages given as (duration in seconds, users at the end); the first begins at 0 users.

    A stage of no length moves the level at once and leaves no segment.
    """
    segments = []
    level = 0
    for duration_seconds, users in stages:
        if duration_seconds > 0:
            segments.append(Segment(duration_seconds=duration_seconds, first_users=level, last_users=users))
        level = users
    return tuple(segments)


def user_plateaus(duration_seconds: float, users: int, shares: Sequence[float]) -> tuple[Segment, ...]:
    """Equally long plateaus at the given shares of `users`, each at least one user."""
    length = duration_seconds / len(shares)
    levels = [max(1, round(users * share)) for share in shares]
    return tuple(Segment(duration_seconds=length, first_users=level, last_users=level) for level in levels)


def total_seconds(segments: Sequence[Segment]) -> float:
    return sum(segment.duration_seconds for segment in segments)


def peak_users(segments: Sequence[Segment]) -> int:
    return max((max(segment.first_users, segment.last_users) for segment in segments), default=0)


def users_at(segments: Sequence[Segment], at_seconds: float) -> int:
    """How many users run at an instant: on a ramp the whole users reached so far; 0 outside the profile."""
    begin = 0.0
    for segment in segments:
        end = begin + segment.duration_seconds
        if begin <= at_seconds < end:
            progress = (at_seconds - begin) / segment.duration_seconds
            level = segment.first_users + (segment.last_users - segment.first_users) * progress
            return int(level + 1e-9)
        begin = end
    return 0


def windows_of(segments: Sequence[Segment], user: int) -> tuple[Window, ...]:
    """When the user with this number (from 0, over the whole fleet) runs: while more than `user` users do."""
    windows: list[Window] = []
    begin = 0.0
    for segment in segments:
        window = _window_in(segment, begin, user + 1)
        begin += segment.duration_seconds
        if window is None:
            continue
        if windows and windows[-1].end_seconds == window.begin_seconds:
            window = Window(begin_seconds=windows.pop().begin_seconds, end_seconds=window.end_seconds)
        windows.append(window)
    return tuple(windows)


def _window_in(segment: Segment, begin: float, level: int) -> Window | None:
    """Where within a segment at least `level` users run."""
    end = begin + segment.duration_seconds
    low, high = sorted((segment.first_users, segment.last_users))
    if level > high:
        return None
    if level <= low:
        return Window(begin_seconds=begin, end_seconds=end)
    crossing = begin + segment.duration_seconds * (level - segment.first_users) / (
        segment.last_users - segment.first_users
    )
    if segment.last_users > segment.first_users:
        return None if crossing >= end else Window(begin_seconds=crossing, end_seconds=end)
    return None if crossing <= begin else Window(begin_seconds=begin, end_seconds=crossing)


def stagger_seconds(segments: Sequence[Segment], user: int) -> float:
    """How long a user waits after its window opens, so that a plateau's users do not all start at once.

    At most a second, or a tenth of the shortest segment.
    """
    peak = peak_users(segments)
    if peak <= 1:
        return 0.0
    spread = min(1.0, min(segment.duration_seconds for segment in segments) / 10)
    return spread * user / peak


def share_of(total: int, index: int, count: int) -> int:
    """How many of `total` things fall to pod `index` of `count`: parts differ by at most one and lose nothing."""
    return (total - index + count - 1) // count


def members_of(total: int, index: int, count: int) -> range:
    """Which of the things 0..total-1 fall to pod `index` of `count`: those with k = index (mod count)."""
    return range(index, total, count)


def batches_of(batch_size: int, records: int | None, index: int, count: int) -> Iterator[int]:
    """The rows of each upload that pod `index` of `count` makes, in their order.

    Without a number of records it has no end. Else upload k of the fleet falls to pod k (mod count), all are of
    `batch_size` but for the last one, and together they have just `records` rows.
    """
    if records is None:
        return repeat(batch_size)
    uploads = members_of(uploads_for(records, batch_size), index, count)
    return (min(batch_size, records - number * batch_size) for number in uploads)


def uploads_for(records: int, batch_size: int) -> int:
    """How many uploads it takes to send so many records."""
    return -(-records // batch_size)
