"""One reading for all who ask for it at once."""

import asyncio
from collections.abc import Awaitable, Callable


class Joint:
    """Reads something for many: whoever asks gets a reading that began after they asked, and shares it with the others
    who wait. At most one is under way."""

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._begun = 0
        self._completed = 0

    async def __call__(self) -> None:
        """Return once a reading that began after this call is complete.

        Raises what the reading raises, to the one who began it; the next who waits reads anew.
        """
        begun_before = self._begun
        async with self._lock:
            if self._completed > begun_before:
                return
            self._begun += 1
            number = self._begun
            await self._read()
            self._completed = number
