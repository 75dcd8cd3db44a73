"""Rights that are missing for good, told apart from a request that was refused once.

Rights reach an API server some time after they are granted, and an authorizer may fail. What a run is worth for its
whole length must not hang on one such answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

from loadtest_operator.cluster.api import ApiError

LASTING_SECONDS: Final = 5.0
_LEAST_TRIES: Final = 3
_PAUSE_SECONDS: Final = 1.0

T = TypeVar("T")


class RefusalWatch:
    """Reads what may be refused (403). `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first_refused_at: dict[Hashable, float] = {}
        self._tries: dict[Hashable, int] = {}

    async def read(self, subject: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What is read, tried again for some seconds while it is refused.

        A refusal that has lasted is told at once, until the subject can be read again. Raises ApiError.
        """
        while True:
            try:
                value = await read()
            except ApiError as error:
                if not error.is_forbidden or self._has_lasted(subject):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._first_refused_at.pop(subject, None)
                self._tries.pop(subject, None)
                return value

    def _has_lasted(self, subject: Hashable) -> bool:
        """Whether a subject that was just refused has been refused at every try for long enough."""
        first_refused_at = self._first_refused_at.setdefault(subject, self._clock())
        self._tries[subject] = self._tries.get(subject, 0) + 1
        return self._tries[subject] >= _LEAST_TRIES and self._clock() - first_refused_at >= LASTING_SECONDS
