"""Watching, by kopf and beside it: until this process is told to end, whatever is refused meanwhile."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

import kopf

from loadtest_operator.cluster.api import JOBS, LOADTESTS, PODS, Api, ApiError
from loadtest_operator.cluster.obstacles import NO_SUCH_KIND, REFUSALS, about_a_right, about_a_watched_kind
from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.program.handlers import watching_settings
from loadtest_operator.program.health import OperatorHealth, Readiness
from loadtest_operator.program.settings import Settings

_LOG: Final = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 2.0

T = TypeVar("T")


async def watch_until_stopped(
    api: Api,
    settings: Settings,
    health: OperatorHealth,
    registry: Callable[[], kopf.OperatorRegistry],
    follow_children: Callable[[], Awaitable[None]],
) -> bool:
    """Have kopf ring the bell for LoadTests, and follow their Jobs and pods, until this process is told to end, or
    LoadTests are no longer served (False).

    A right that is missing for a while takes nothing from the tests that run: they are looked at again and again.
    """
    while (refusal := await _watch_until_refused(registry(), settings, health, follow_children)) is not None:
        if refusal.status == NO_SUCH_KIND:
            health.readiness.set_obstacle(f"LoadTests can no longer be watched: {refusal.message}")
            return False
        health.readiness.set_obstacle(about_a_right(refusal.message))
        end_on_sigterm()
        await asyncio.sleep(_RETRY_SECONDS)
        for kind in (LOADTESTS, JOBS, PODS):
            selector = "" if kind == LOADTESTS else SELECTOR
            for namespace in settings.namespaces or (None,):
                await retry_until_success(
                    partial(api.list, kind, namespace, selector),
                    partial(about_a_watched_kind, namespace=namespace, loadtests=kind == LOADTESTS),
                    health,
                )
    return True


async def _watch_until_refused(
    registry: kopf.OperatorRegistry,
    settings: Settings,
    health: OperatorHealth,
    follow_children: Callable[[], Awaitable[None]],
) -> ApiError | None:
    """Watch until this process is told to end (None), or a watch is refused."""
    watches, stop_event = asyncio.Event(), asyncio.Event()
    told_to_end = asyncio.Event()

    async def follow() -> None:
        try:
            await follow_children()
        finally:
            # Nothing is watched without the children.
            stop_event.set()

    def end() -> None:
        told_to_end.set()
        stop_event.set()

    beginning = asyncio.create_task(_announce_readiness(watches, end, health.readiness))
    following = asyncio.create_task(follow())
    try:
        await kopf.operator(
            registry=registry,
            settings=watching_settings(),
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            standalone=True,
            # Otherwise kopf asks for the user's name, and a container's user need not have one.
            identity=cast("Any", settings.pod_name),
            ready_flag=watches,
            stop_flag=stop_event,
        )
    except Exception as error:
        # kopf ends with what its watch met, which is no public type of its own.
        status = getattr(error, "status", None)
        if status not in REFUSALS:
            raise
        if told_to_end.is_set():
            return None
        return ApiError(status, "Refused", getattr(error, "message", None) or str(error))
    finally:
        beginning.cancel()
        was_following = not following.done()
        following.cancel()
        await asyncio.wait([following])
    if was_following or told_to_end.is_set():
        return None
    failure = following.exception()
    if isinstance(failure, ApiError):
        return failure
    raise failure or RuntimeError("the Jobs and pods are followed no longer")


async def _announce_readiness(watches: asyncio.Event, end: Callable[[], None], readiness: Readiness) -> None:
    await watches.wait()
    # kopf has put its own in the place of our handler, which says nothing to us while kopf ends for another reason.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    readiness.clear()
    _LOG.info("watching LoadTests")


def end_on_sigterm() -> None:
    """Heed SIGTERM from the first moment: the first process of a container is deaf to it by default."""
    running = asyncio.current_task()
    if running is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)


async def retry_until_success(
    attempt: Callable[[], Awaitable[T]], obstacle: Callable[[ApiError], str], health: OperatorHealth
) -> T:
    """Try until it succeeds: at the start of a cluster the API server, the CRD or the rights may come later."""
    while True:
        health.pulse.beat()
        try:
            return await attempt()
        except ApiError as error:
            health.readiness.set_obstacle(obstacle(error))
        await asyncio.sleep(_RETRY_SECONDS)
