"""Waiting to be the one operator at work, where several share a Lease."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import Api
from loadtest_operator.leading.election import REQUEST_SECONDS
from loadtest_operator.leading.leadership import Leadership, LeadershipDependencies
from loadtest_operator.program.settings import Settings

_LOG: Final = logging.getLogger(__name__)
_LOST_THE_LEASE: Final = 75

Fence = Callable[[], None]


@asynccontextmanager
async def lead(configuration: Configuration, settings: Settings, beat: Callable[[], None]) -> AsyncIterator[Fence]:
    """Be the one operator at work while the context is open. Yields what ends the process when it no longer is."""
    if not settings.lease:
        yield lambda: None
        return
    # Its own connections: a renewal must not wait in line behind other requests.
    # An election has retries of its own, since a request that is late is of no use to it.
    async with Api(configuration, timeout_seconds=REQUEST_SECONDS, retrying=None) as api:
        world = LeadershipDependencies(_uptime, lambda: datetime.now(UTC), asyncio.sleep, _end, beat)
        identity = f"{settings.pod_name}_{uuid.uuid4().hex[:12]}"
        leadership = Leadership(api, settings.own_namespace, settings.lease, identity, world)
        async with leadership.lead():
            yield leadership.check


def _end(why: str) -> None:
    """End this process without another word to anybody: whatever it began may be somebody else's now."""
    _LOG.error("ending, since %s", why)
    logging.shutdown()
    os._exit(_LOST_THE_LEASE)


def _uptime() -> float:
    """A monotonic clock that, unlike time.monotonic, goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
