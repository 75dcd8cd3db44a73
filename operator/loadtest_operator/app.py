"""The operator as a whole: its parts made, joined and run until it is told to end."""

import asyncio
import logging
import random
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

import kopf
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from loadtest_operator.act import Actor
from loadtest_operator.api import LOADTESTS, Api, ApiError
from loadtest_operator.contenders import Contenders
from loadtest_operator.handlers import watching_registry, watching_settings
from loadtest_operator.identities import Identities
from loadtest_operator.login import client_configuration
from loadtest_operator.memory import Memory
from loadtest_operator.metrics import OperatorMetrics, RunMetrics
from loadtest_operator.names import SELECTOR
from loadtest_operator.observe import Means, Observer
from loadtest_operator.orphans import remove_orphans
from loadtest_operator.pods import PodClient
from loadtest_operator.queue import WorkQueue
from loadtest_operator.reconcile import Parts, Reconciler
from loadtest_operator.settings import Settings
from loadtest_operator.standby import Fence, at_work
from loadtest_operator.tokens import command_key
from loadtest_operator.web import serve

_LOG: Final = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 2.0
_DEAD_AFTER_RESYNCS: Final = 3

Json = dict[str, Any]
T = TypeVar("T")


async def run(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Of several operators that share a Lease, one works and the others wait."""
    _end_when_told()
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    own = OperatorMetrics(registry)
    pulse = Pulse(settings.resync_seconds)
    async with serve(settings.host, settings.port, registry, pulse.failing):
        configuration = await client_configuration()
        async with (
            at_work(configuration, settings, pulse.beat) as fence,
            Api(configuration, fence, own.answered) as api,
        ):
            own.at_work.set(1)
            tests = RunMetrics()
            registry.register(tests)
            await _work(api, fence, settings, pulse, own, tests)


async def _work(
    api: Api, fence: Fence, settings: Settings, pulse: "Pulse", own: OperatorMetrics, tests: RunMetrics
) -> None:
    """Watch LoadTests and run them, until kopf is told to end."""
    key = await _persistently(lambda: command_key(api, settings.own_namespace))
    # kopf serves only the kinds that exist when it starts.
    await _persistently(lambda: _listed(api, settings, LOADTESTS))
    async with PodClient(key, time.monotonic, fence) as pods:
        memory = Memory(time.monotonic)
        means = Means(
            api,
            pods,
            memory,
            key,
            settings.cluster_domain,
            settings.secret_policy,
            _utc,
            own.scrape_failures.inc,
            settings.policy.network_policies is not None,
        )
        actor = Actor(api, pods, time.monotonic, _utc, asyncio.sleep)
        identities = Identities(api, settings.namespaces, settings.cluster_domain, time.monotonic)
        contenders = Contenders(api, identities, settings.namespaces, settings.policy.limits, _utc)
        queue = WorkQueue(time.monotonic, random.random, own)
        parts = Parts(api, Observer(means), contenders, actor, settings.policy, memory, tests)
        reconciler = Reconciler(parts, queue.add)
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(queue.run(reconciler.reconcile)),
                group.create_task(_resync(api, reconciler, memory, queue, settings, pulse)),
            ]
            try:
                await kopf.operator(
                    registry=watching_registry(queue.add, reconciler.ring, memory),
                    settings=watching_settings(),
                    clusterwide=not settings.namespaces,
                    namespaces=settings.namespaces,
                    standalone=True,
                    # Otherwise kopf asks for the user's name, and a container's user need not have one.
                    identity=cast("Any", settings.pod_name),
                )
            finally:
                for task in background:
                    task.cancel()


def _end_when_told() -> None:
    """Heed SIGTERM from the first moment: the first process of a container is deaf to it by default. kopf, once it
    runs, hears it instead."""
    running = asyncio.current_task()
    if running is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)


class Pulse:
    """Whether the operator still gets round to looking at everything; the API server's absence is not its fault."""

    def __init__(self, resync_seconds: float) -> None:
        self._longest = resync_seconds * _DEAD_AFTER_RESYNCS
        self._beat_at = time.monotonic()

    def beat(self) -> None:
        self._beat_at = time.monotonic()

    def failing(self) -> str:
        """Why the operator should be restarted; empty while it should not."""
        silent = time.monotonic() - self._beat_at
        return f"no resync for {silent:.0f} s" if silent > self._longest else ""


async def _resync(
    api: Api, reconciler: Reconciler, memory: Memory, queue: WorkQueue, settings: Settings, pulse: Pulse
) -> None:
    """Look at everything now and then, whatever events were missed, and remove what has lost its owner."""
    while True:
        pulse.beat()
        try:
            # The children first: a test listed after them is there if it ever was when they were made.
            made = {kind: await _listed(api, settings, kind, SELECTOR) for kind in reconciler.children}
            tests = await _listed(api, settings, LOADTESTS)
            # Those that were met before and are gone, too: that they were deleted may be what was missed.
            for key in memory.met.union((test["metadata"]["namespace"], test["metadata"]["name"]) for test in tests):
                queue.add(key)
            uids = frozenset(test["metadata"]["uid"] for test in tests)
            for kind, children in made.items():
                await remove_orphans(api, kind, children, uids)
        except ApiError as error:
            _LOG.warning("resync put off: %s", error)
        await asyncio.sleep(settings.resync_seconds)


async def _listed(api: Api, settings: Settings, kind: str, selector: str = "") -> list[Json]:
    """All objects of a kind in the namespaces that are watched."""
    found: list[Json] = []
    for namespace in settings.namespaces or (None,):
        found += await api.list(kind, namespace, selector)
    return found


async def _persistently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until it succeeds: at the start of a cluster the API server, the CRD or the rights may come later."""
    while True:
        try:
            return await attempt()
        except ApiError as error:
            _LOG.warning("waiting for the API server: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)


def _utc() -> datetime:
    return datetime.now(UTC)
