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

An upload that waits for its answer alone stays with the target until it ends, so its least end moves with the clock.
That must be exact: an arrival that is said to have begun a moment too early ends that moment too early, and the next
one begins two moments too early. In an overload the moments would add up to most of a wait.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import chain, islice
from typing import Final

from loadgen.http.stalls import Stalls

_NS_PER_LOOK: Final = 25_000
"""For each upload that was looked at, how long the next look waits: looking takes a tenth of that."""

_UPLOADS_PER_LOOK: Final = 500
"""How many uploads are looked at together. That takes a millisecond."""

_MOST_EDITS: Final = 32
"""How many changes of a sorted list are made one by one. With more it is sorted anew."""

_REMEMBERED_UPLOADS: Final = 100
"""How many of the uploads that ended last are remembered, by their times with the target."""


class IdealUsers:
    """`limit` users of an ideal generator. Instants are on the monotonic clock, in nanoseconds.

    `target_ns` gives how long the upload of a number has been with the target at an instant, and `awaits_answer`
    whether it is there until it ends, because all of it was sent. `stalls` are this process's own: an answer that came
    in one has not been noticed yet.
    """

    def __init__(
        self,
        limit: int,
        target_ns: Callable[[int, int], int],
        awaits_answer: Callable[[int], bool],
        stalls: Stalls,
    ) -> None:
        self._limit = limit
        self._target_ns = target_ns
        self._awaits_answer = awaits_answer
        self._stalls = stalls
        self._starts: dict[int, int] = {}
        self._ends: list[int] = []
        # The ends, and the least ends of those uploads under way that have none that moves.
        self._fixed_ends: list[int] = []
        self._least_end_of: dict[int, int] = {}
        # How far the least ends that move with the clock are ahead of it.
        self._leads: list[int] = []
        self._lead_of: dict[int, int] = {}
        # From when on a least end moves: once the upload has lasted longer than the least time of those before.
        self._moves: list[tuple[int, int, int]] = []
        self._to_look_at: dict[int, None] = {}
        self._next_look_ns = 0
        self._least_ns = 0
        self._times_ns: deque[int] = deque(maxlen=_REMEMBERED_UPLOADS)

    def start_of(self, due_ns: int, now_ns: int) -> int:
        """The earliest instant at which the next arrival could have begun; it never lies after this one."""
        clock_ns = now_ns - self._stalls.stalled_ns(0, now_ns)
        if self._to_look_at and now_ns >= self._next_look_ns:
            self._look(now_ns, clock_ns)
        while self._moves and self._moves[0][0] <= clock_ns:
            _, number, lead_ns = heappop(self._moves)
            if number in self._least_end_of:
                self._remove_fixed(self._least_end_of.pop(number))
                self._lead_of[number] = lead_ns
                insort(self._leads, lead_ns)
        free_ns = _nth_greatest(self._fixed_ends, self._leads, clock_ns, self._limit)
        return min(now_ns, max(due_ns, free_ns))

    def begin(self, number: int, start_ns: int) -> None:
        """The upload of this number is under way, and would have begun at this instant."""
        self._starts[number] = start_ns
        self._least_end_of[number] = least_end_ns = start_ns + self._least_ns
        insort(self._fixed_ends, least_end_ns)
        self._to_look_at[number] = None

    def end(self, number: int, target_ns: int, *, has_begun: bool = True) -> None:
        """The upload of this number has ended; the target had it for so long, if it has begun."""
        self._to_look_at.pop(number, None)
        least_end_ns = self._least_end_of.pop(number, None)
        if least_end_ns is None:
            del self._leads[bisect_left(self._leads, self._lead_of.pop(number))]
        else:
            self._remove_fixed(least_end_ns)
        self._add_end(self._starts.pop(number) + target_ns)
        if has_begun:
            self._times_ns.append(target_ns)

    def pass_over(self, start_ns: int) -> None:
        """An arrival that would have begun at this instant was never sent."""
        self._add_end(start_ns + (self._times_ns[0] if self._times_ns else 0))
        self._times_ns.rotate(-1)

    def _add_end(self, end_ns: int) -> None:
        insort(self._ends, end_ns)
        insort(self._fixed_ends, end_ns)
        if len(self._ends) > self._limit:
            # Ends only grow in number and in value, so the limit-th greatest never lies below it again.
            self._remove_fixed(self._ends.pop(0))

    def _remove_fixed(self, end_ns: int) -> None:
        del self._fixed_ends[bisect_left(self._fixed_ends, end_ns)]

    def _look(self, now_ns: int, clock_ns: int) -> None:
        """See how long uploads that our own side may still hold have been with the target: all, or many in turn."""
        numbers = list(islice(self._to_look_at, _UPLOADS_PER_LOOK))
        self._least_ns = min(self._times_ns, default=0)
        changes: list[tuple[int, int]] = []
        for number in numbers:
            del self._to_look_at[number]
            start_ns, previous_ns = self._starts[number], self._least_end_of[number]
            lead_ns = start_ns + self._target_ns(number, now_ns) - now_ns
            least_end_ns = max(start_ns + self._least_ns, clock_ns + lead_ns)
            if least_end_ns != previous_ns:
                self._least_end_of[number] = least_end_ns
                changes.append((previous_ns, least_end_ns))
            if self._awaits_answer(number):
                heappush(self._moves, (least_end_ns - lead_ns, number, lead_ns))
            else:
                self._to_look_at[number] = None
        if len(changes) > _MOST_EDITS:
            self._fixed_ends = sorted(chain(self._ends, self._least_end_of.values()))
        else:
            for previous_ns, least_end_ns in changes:
                self._remove_fixed(previous_ns)
                insort(self._fixed_ends, least_end_ns)
        self._next_look_ns = now_ns + len(numbers) * _NS_PER_LOOK


def _nth_greatest(fixed: Sequence[int], leads: Sequence[int], clock: int, rank: int) -> int:
    """The value of this rank, from the greatest down, among some values and others that are so far ahead of a clock.

    Both are ascending. It is 0 if there are not so many.
    """
    if len(fixed) + len(leads) < rank:
        return 0
    # So many of the values from the rank up lie in `fixed`, and the rest of them in `leads`.
    fewest, most = max(0, rank - len(leads)), min(rank, len(fixed))
    while fewest < most:
        count = (fewest + most) // 2
        if fixed[-count - 1] > clock + leads[count - rank]:
            fewest = count + 1
        else:
            most = count
    least_fixed = [fixed[-fewest]] if fewest else []
    least_moving = [clock + leads[fewest - rank]] if fewest < rank else []
    return min(least_fixed + least_moving)
