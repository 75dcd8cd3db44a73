"""The virtual users as they would be if our own side took no time: from when on would one have been free?

A wait for a virtual user is the target's doing only as far as the users would have been busy without us. So the
schedule is followed a second time, for an ideal generator: as many users serve the same arrivals, first come first
served, and each upload takes only the time that it spent with the target. Of `limit` users one is free once all but
`limit` - 1 of the uploads before have ended. So an arrival begins at the `limit`-th greatest of their ends, or when it
is due (Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955).

An upload under way counts as long as it has been with the target by now, and no less than the least time of the
uploads that ended last. It will take as long or longer, and longer times never let another arrival begin earlier. So
the target is not blamed for more of a wait than it caused, unless its uploads get faster meanwhile. An arrival that
was never sent counts with the times of those uploads, one after the other.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from loadgen.http.stalls import Stalls

_NS_PER_LOOK: Final = 25_000
"""For each upload that was looked at, how long the next look waits: looking takes a twentieth of that."""

_UPLOADS_PER_LOOK: Final = 1_000
"""How many uploads are looked at together. That takes a millisecond."""

_REMEMBERED_UPLOADS: Final = 100
"""How many of the uploads that ended last are remembered, by their times with the target."""


class IdealUsers:
    """`limit` users of an ideal generator. Instants are on the monotonic clock, in nanoseconds.

    `target_ns` gives how long the upload of a number has been with the target at an instant. `stalls` are this
    process's own: an answer that came in one has not been noticed yet.
    """

    def __init__(self, limit: int, target_ns: Callable[[int, int], int], stalls: Stalls) -> None:
        self._limit = limit
        self._target_ns = target_ns
        self._stalls = stalls
        self._starts: dict[int, int] = {}
        self._ends: list[int] = []
        self._least_end_of: dict[int, int] = {}
        self._least_ends: list[int] = []
        self._to_look_at: list[int] = []
        self._next_look_ns = 0
        self._least_ns = 0
        self._times_ns: deque[int] = deque(maxlen=_REMEMBERED_UPLOADS)

    def start_of(self, due_ns: int, now_ns: int) -> int:
        """The earliest instant at which the next arrival could have begun; it never lies after this one."""
        if now_ns >= self._next_look_ns:
            self._look(now_ns)
        return min(now_ns, max(due_ns, _nth_greatest(self._ends, self._least_ends, self._limit)))

    def begin(self, number: int, start_ns: int) -> None:
        """The upload of this number is under way, and would have begun at this instant."""
        self._starts[number] = start_ns
        self._least_end_of[number] = least_end_ns = start_ns + self._least_ns
        insort(self._least_ends, least_end_ns)

    def end(self, number: int, target_ns: int, *, has_begun: bool = True) -> None:
        """The upload of this number has ended; the target had it for so long, if it has begun."""
        self._add_end(self._starts.pop(number) + target_ns)
        del self._least_ends[bisect_left(self._least_ends, self._least_end_of.pop(number))]
        if has_begun:
            self._times_ns.append(target_ns)

    def pass_over(self, start_ns: int) -> None:
        """An arrival that would have begun at this instant was never sent."""
        self._add_end(start_ns + (self._times_ns[0] if self._times_ns else 0))
        self._times_ns.rotate(-1)

    def _add_end(self, end_ns: int) -> None:
        insort(self._ends, end_ns)
        if len(self._ends) > self._limit:
            # Ends only grow in number and in value, so the limit-th greatest never lies below it again.
            del self._ends[0]

    def _look(self, now_ns: int) -> None:
        """See how long uploads under way have been with the target by now: all of them, or some of many in turn."""
        if not self._to_look_at:
            self._to_look_at = list(self._starts)
        numbers, self._to_look_at = self._to_look_at[-_UPLOADS_PER_LOOK:], self._to_look_at[:-_UPLOADS_PER_LOOK]
        stalled_ns = self._stalls.stalled_ns(0, now_ns)
        self._least_ns = min(self._times_ns, default=0)
        for number in numbers:
            start_ns = self._starts.get(number)
            if start_ns is not None:
                target_ns = self._target_ns(number, now_ns) - stalled_ns
                self._least_end_of[number] = start_ns + max(self._least_ns, target_ns)
        self._least_ends = sorted(self._least_end_of.values())
        self._next_look_ns = now_ns + len(numbers) * _NS_PER_LOOK


def _nth_greatest(one: Sequence[int], other: Sequence[int], rank: int) -> int:
    """The value of this rank, from the greatest down, in two ascending sequences taken together; 0 if there is none."""
    if len(one) + len(other) < rank:
        return 0
    # So many of the values from the rank up lie in `one`, and the rest of them in `other`.
    fewest, most = max(0, rank - len(other)), min(rank, len(one))
    while fewest < most:
        count = (fewest + most) // 2
        if one[-count - 1] > other[count - rank]:
            fewest = count + 1
        else:
            most = count
    ends = [sequence[-count] for sequence, count in ((one, fewest), (other, rank - fewest)) if count]
    return min(ends)
