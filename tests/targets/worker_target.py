"""A target of known capacity: an upload API with so many workers, whose service times are exponential and seeded.

Uploads wait in line for a worker, so response times rise as in an M/M/c queue once all of them are busy.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from aiohttp import web

from http_target import HttpTarget, ReceivedUpload, honouring_answer, running_target


@asynccontextmanager
async def running_workers(workers: int, mean_seconds: float, seed: int = 1) -> AsyncIterator[HttpTarget]:
    """A target with so many workers, each of which takes `mean_seconds` for an upload on average."""
    free = asyncio.Semaphore(workers)
    random = Random(seed)

    async def answer(received: ReceivedUpload) -> web.StreamResponse:
        async with free:
            await asyncio.sleep(random.expovariate(1 / mean_seconds))
        return honouring_answer(received)

    async with running_target(answer) as target:
        yield target
