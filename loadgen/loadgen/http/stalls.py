"""When this process did not get to what was due, be it stopped, throttled, starved or busy: its stalls."""

from collections import deque
from typing import Final

LEAST_STALL_NS: Final = 3_000_000
"""A sleeper that is woken later than this was kept waiting by a stall."""
_AFTERMATH_NS: Final = 25_000_000
"""For how long after a stall the event loop still works off what waited for its end."""
_MOST_STALLS: Final = 64


class Stalls:
    """The latest stalls, as intervals of the monotonic clock in nanoseconds.

    A task that sleeps and wakes in short turns reports them: `expect` before each sleep, and `wake` after it. A stall
    that made it wake late may have begun before it was due: as early as when anything was last noticed.
    """

    def __init__(self) -> None:
        self._awake_ns = 0
        self._due_ns: int | None = None
        self._stalls: deque[tuple[int, int]] = deque(maxlen=_MOST_STALLS)

    def expect(self, now_ns: int, due_ns: int) -> None:
        """A sleeper goes to sleep, and is to be woken at the second instant."""
        self._awake_ns, self._due_ns = now_ns, due_ns

    def wake(self, now_ns: int) -> int:
        """The sleeper was woken; return how late, in nanoseconds."""
        late_ns = 0 if self._due_ns is None else max(0, now_ns - self._due_ns)
        if self._due_ns is not None and late_ns > LEAST_STALL_NS:
            self._stalls.append((self._awake_ns, now_ns))
        self._due_ns = None
        return late_ns

    def stalled_ns(self, since_ns: int, noticed_ns: int) -> int:
        """How much of the time since an instant may be our own delay: something came in that time, and was noticed now.

        It is the part of that time that lies in a stall at whose end it was noticed, and in those just before. The call
        also shows that this process ran at `noticed_ns`, so a stall that comes later did not begin before.
        """
        late_ns = 0
        edge_ns = noticed_ns
        if self._due_ns is not None and noticed_ns - self._due_ns > LEAST_STALL_NS:
            late_ns = noticed_ns - max(since_ns, self._awake_ns)
            edge_ns = self._awake_ns
        elif self._due_ns is not None and self._awake_ns < noticed_ns <= self._due_ns:
            self._awake_ns = noticed_ns
        for begin_ns, end_ns in reversed(self._stalls):
            if edge_ns - end_ns > _AFTERMATH_NS:
                break
            late_ns += max(0, min(end_ns, edge_ns) - max(begin_ns, since_ns))
            edge_ns = min(edge_ns, begin_ns)
        return max(0, late_ns)
