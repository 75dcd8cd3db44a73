"""When which key is due: single-flight, delayed, and backing off. Pure: the time is an argument."""

import heapq
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from loadtest_operator.cluster.backoff import LONGEST_BACKOFF_SECONDS, backoff_seconds

KeyT = TypeVar("KeyT")

LEAST_REST: Final = 0.25


@dataclass
class Schedule(Generic[KeyT]):
    """Keys and the instants at which they are due, on any monotonic clock, in seconds.

    A key that is being worked on is never handed out again before `finish`; what was asked for in the meantime is
    due then.
    """

    _due: dict[KeyT, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, KeyT]] = field(default_factory=list)
    _active: set[KeyT] = field(default_factory=set)
    _failures: dict[KeyT, int] = field(default_factory=dict)
    _entry_count: int = 0

    def add(self, key: KeyT, at: float) -> None:
        """Make a key due at an instant, or earlier if it already is."""
        due_at = self._due.get(key)
        if due_at is not None and due_at <= at:
            return
        self._due[key] = at
        self._entry_count += 1
        heapq.heappush(self._heap, (at, self._entry_count, key))

    def take(self, now: float) -> KeyT | None:
        """The next key that is due and free; it is then worked on until `finish`."""
        deferred: list[tuple[float, int, KeyT]] = []
        next_key: KeyT | None = None
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            at, _, key = entry
            if self._due.get(key) != at:
                continue
            if key in self._active:
                deferred.append(entry)
                continue
            del self._due[key]
            self._active.add(key)
            next_key = key
            break
        for entry in deferred:
            heapq.heappush(self._heap, entry)
        return next_key

    def next_due(self) -> float | None:
        """The earliest instant at which a free key is due."""
        return min((at for key, at in self._due.items() if key not in self._active), default=None)

    def finish(self, key: KeyT, began_at: float, now: float, again_in_seconds: float | None) -> None:
        """A key was worked on with success since `began_at`; the next turn is due so long after that instant.

        A turn that took longer is followed by a rest of `LEAST_REST` of that distance.
        """
        self._active.discard(key)
        self._failures.pop(key, None)
        if again_in_seconds is not None:
            self.add(key, max(began_at + again_in_seconds, now + again_in_seconds * LEAST_REST))

    def fail(self, key: KeyT, now: float, jitter: float, retry_after_seconds: float = 0.0) -> float:
        """A key's work failed: it is due again after a back-off that doubles with each failure in a row.

        `jitter` in [0, 1) spreads the instants of keys that fail together. The back-off is at least what the API server
        asked for, up to the longest back-off. Returns it in seconds.
        """
        self._active.discard(key)
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = max(backoff_seconds(failures, jitter), min(retry_after_seconds, LONGEST_BACKOFF_SECONDS))
        self.add(key, now + backoff)
        return backoff

    @property
    def depth(self) -> int:
        """How many keys wait or are worked on."""
        return len(self._due.keys() | self._active)
