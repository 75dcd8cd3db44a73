"""When which key is due, and which of those that are due comes first. Pure: the time is an argument."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from loadtest_operator.policy.backoff import LONGEST_BACKOFF_SECONDS, backoff_seconds

KeyT = TypeVar("KeyT")

LEAST_REST_SHARE: Final = 0.25


@dataclass
class Schedule(Generic[KeyT]):
    """Keys and the instants at which they are due, on any monotonic clock, in seconds.

    `rank` gives a key's rank: of the keys that are due the one of the lowest rank comes first, and among equals the
    one that was asked for first. A key that is being worked on is never handed out again before `finish`; what was
    asked for in the meantime is due then.
    """

    rank: Callable[[KeyT], int]
    _due: dict[KeyT, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, KeyT]] = field(default_factory=list)
    _ready: dict[KeyT, tuple[int, int]] = field(default_factory=dict)
    _ready_heap: list[tuple[int, int, KeyT]] = field(default_factory=list)
    _active: set[KeyT] = field(default_factory=set)
    _failures: dict[KeyT, int] = field(default_factory=dict)
    _entry_count: int = 0

    def add(self, key: KeyT, at: float) -> None:
        """Make a key due at an instant, or earlier if it already is; one that is ready is ranked anew."""
        if key in self._ready:
            self.rank_anew(key)
            return
        planned = self._due.get(key)
        if planned is not None and planned <= at:
            return
        self._due[key] = at
        heapq.heappush(self._heap, (at, self._next_number(), key))

    def rank_anew(self, key: KeyT) -> None:
        """The rank of a key has changed. One that is not ready is ranked when it is."""
        if key in self._ready:
            self._make_ready(key)

    def take(self, now: float, highest_rank: int | None = None) -> KeyT | None:
        """The first key that is due and free, of at most this rank; it is then worked on until `finish`."""
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                self._make_ready(key)
        while self._ready_heap:
            rank, number, key = self._ready_heap[0]
            if self._ready.get(key) == (rank, number) and key not in self._active:
                if highest_rank is not None and rank > highest_rank:
                    return None
                heapq.heappop(self._ready_heap)
                del self._ready[key]
                self._active.add(key)
                return key
            heapq.heappop(self._ready_heap)
        return None

    def next_due(self) -> float | None:
        """The earliest instant at which a key becomes due that is not yet."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def finish(self, key: KeyT, began_at: float, now: float, again_in_seconds: float | None) -> None:
        """A key was worked on with success since `began_at`; the next turn is due so long after that instant.

        A turn that took longer is followed by a rest of `LEAST_REST_SHARE` of that distance.
        """
        self._release(key)
        self._failures.pop(key, None)
        if again_in_seconds is not None:
            self.add(key, max(began_at + again_in_seconds, now + again_in_seconds * LEAST_REST_SHARE))

    def fail(self, key: KeyT, now: float, jitter: float, retry_after_seconds: float = 0.0) -> float:
        """A key's work failed: it is due again after a back-off that doubles with each failure in a row.

        `jitter` in [0, 1) spreads the instants of keys that fail together. The back-off is at least what the API server
        asked for, up to the longest back-off. Returns it in seconds.
        """
        self._release(key)
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = max(backoff_seconds(failures, jitter), min(retry_after_seconds, LONGEST_BACKOFF_SECONDS))
        self.add(key, now + backoff)
        return backoff

    @property
    def depth(self) -> int:
        """How many keys wait or are worked on."""
        return len(self._due.keys() | self._ready.keys() | self._active)

    def _make_ready(self, key: KeyT) -> None:
        rank, former = self.rank(key), self._ready.get(key)
        if former is not None and former[0] == rank:
            return
        number = self._next_number() if former is None else former[1]
        self._ready[key] = (rank, number)
        if key not in self._active:
            heapq.heappush(self._ready_heap, (rank, number, key))

    def _release(self, key: KeyT) -> None:
        """A key is worked on no longer; where it was asked for meanwhile, it is ready."""
        self._active.discard(key)
        if key in self._ready:
            heapq.heappush(self._ready_heap, (*self._ready[key], key))

    def _next_number(self) -> int:
        self._entry_count += 1
        return self._entry_count
