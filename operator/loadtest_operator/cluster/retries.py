"""When a request to the API server whose failure may pass is sent again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from loadtest_operator.cluster.api_errors import ApiError
from loadtest_operator.policy.backoff import backoff_seconds

T = TypeVar("T")

MOST_TRIES: Final = 8
RETRYING_SECONDS: Final = 5.0
"""No request is sent again later than this after its first try. A turn that fails is repeated as a whole."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 0.8


def retry_pause_seconds(
    failures: int, elapsed_seconds: float, retry_after_seconds: float, jitter: float
) -> float | None:
    """The pause before a request is sent again that has failed so often; None if it is given up.

    The pauses double up to a bound, and are at least what the server asks for. `jitter` in [0, 1) takes away up to half
    of a pause of our own.
    """
    if failures >= MOST_TRIES:
        return None
    own_pause = backoff_seconds(failures - 1, jitter, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    pause = max(retry_after_seconds, own_pause)
    return pause if elapsed_seconds + pause <= RETRYING_SECONDS else None


@dataclass(frozen=True)
class Retrying:
    """What sending a request again needs of the world. `clock` is monotonic, `random` gives numbers in [0, 1)."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    async def repeat(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send a request, and send it again while its failure may pass.

        Raises ApiError.
        """
        began_at, failures = self.clock(), 0
        while True:
            try:
                return await send()
            except ApiError as error:
                failures += 1
                elapsed_seconds = self.clock() - began_at
                pause = retry_pause_seconds(failures, elapsed_seconds, error.retry_after_seconds, self.random())
                if not error.is_passing or pause is None:
                    raise
                await self.sleep(pause)
