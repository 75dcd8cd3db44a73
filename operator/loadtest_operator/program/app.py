"""The operator as a whole: its parts made, joined and run until it is told to end."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from kubernetes.aio.client import Configuration
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from loadtest_model.release import installed_version
from loadtest_operator.act.actor import Actor
from loadtest_operator.act.follow_up import FollowUp
from loadtest_operator.act.orphans import remove_orphans
from loadtest_operator.archive.archiver import Archiver, ArchiverDependencies
from loadtest_operator.archive.stores import store_at
from loadtest_operator.cluster.api import LOADTESTS, Api, ApiError
from loadtest_operator.cluster.login import client_configuration
from loadtest_operator.cluster.obstacles import (
    about_loadtests,
    about_the_key,
)
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.cluster.tokens import command_key
from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.messages.messenger import Messenger, MessengerDependencies
from loadtest_operator.messages.webhooks import WebhookFile
from loadtest_operator.observe.children import Children, ChildrenDependencies
from loadtest_operator.observe.contenders import Contenders
from loadtest_operator.observe.followers import Followers
from loadtest_operator.observe.identities import Identities
from loadtest_operator.observe.memory import Key, Memory
from loadtest_operator.observe.observer import Observer, ObserverDependencies
from loadtest_operator.observe.roster import Roster
from loadtest_operator.program.handlers import watching_registry
from loadtest_operator.program.health import OperatorHealth, Pulse, Readiness
from loadtest_operator.program.introduction import introduction
from loadtest_operator.program.metrics import OperatorMetrics, RunMetrics
from loadtest_operator.program.queue import WorkQueue
from loadtest_operator.program.reconcile import Reconciler, ReconcilerDependencies
from loadtest_operator.program.settings import Settings
from loadtest_operator.program.standby import Fence, lead
from loadtest_operator.program.watches import end_on_sigterm, retry_until_success, watch_until_stopped
from loadtest_operator.program.web import serve
from loadtest_operator.ui.running import Turns
from loadtest_operator.ui.site import OperatorSite, serve_pages

_LOG: Final = logging.getLogger(__name__)
_STANDBY: Final = (
    "this replica waits to take over, so it shows what the status has; the one at work, which holds the Lease {lease},"
    " shows the course of the run as well"
)

Json = dict[str, Any]


async def run(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Of several operators that share a Lease, one works and the others wait."""
    _LOG.info("%s", introduction(settings, installed_version()))
    end_on_sigterm()
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    own = OperatorMetrics(registry)
    # Whoever waits for its turn at work is ready to take over.
    readiness = Readiness("" if settings.lease else "the operator has not begun to watch yet")
    health = OperatorHealth(Pulse(settings.resync_seconds), readiness)
    async with serve(settings.host, settings.port, registry, health):
        configuration = await client_configuration()
        turns = Turns()
        async with (
            _live_pages(configuration, settings, own, turns),
            lead(configuration, settings, health.pulse.beat) as fence,
            Api(configuration, fence, own.count_answer) as api,
        ):
            own.at_work.set(1)
            key = await retry_until_success(
                partial(command_key, api, settings.own_namespace),
                partial(about_the_key, namespace=settings.own_namespace),
                health,
            )
            turns.are_made_here = True
            shared = WorkContext(api, fence, key, settings, own, health, turns)
            while not await _work(shared, registry):
                end_on_sigterm()


@dataclass(frozen=True)
class WorkContext:
    """What lives as long as this operator is at work."""

    api: Api
    fence: Fence
    key: bytes
    settings: Settings
    own: OperatorMetrics
    health: OperatorHealth
    turns: Turns


@asynccontextmanager
async def _live_pages(
    configuration: Configuration, settings: Settings, own: OperatorMetrics, turns: Turns
) -> AsyncIterator[None]:
    """Serve the live pages if they are asked for, at work or not: they only read, on connections of their own."""
    pages = settings.pages
    if not pages.port:
        yield
        return

    def role() -> str:
        return "" if turns.are_made_here else _STANDBY.format(lease=settings.lease)

    async with Api(configuration, on_answer=own.count_answer) as api:
        site = OperatorSite(api, settings.namespaces, pages.names, turns.last, role)
        async with serve_pages(site, pages.host, pages.port):
            yield


async def _work(shared: WorkContext, registry: CollectorRegistry) -> bool:
    """Watch LoadTests and run them, as long as the API server serves them; gives whether this process was told to end.

    Nothing is kept from one time to the next: with the CustomResourceDefinition every LoadTest has gone.
    """
    api, settings = shared.api, shared.settings
    # kopf serves only the kinds that exist when it starts.
    for namespace in settings.namespaces or (None,):
        await retry_until_success(
            partial(api.list, LOADTESTS, namespace),
            partial(about_loadtests, namespace=namespace),
            shared.health,
        )
    tests = RunMetrics()
    registry.register(tests)
    try:
        async with PodClient(shared.key, time.monotonic, shared.fence) as pods:
            return await _run_with_followers(shared, pods, tests)
    finally:
        registry.unregister(tests)


async def _run_with_followers(shared: WorkContext, pods: PodClient, tests: RunMetrics) -> bool:
    async with (
        Followers(shared.api, time.monotonic, random.random) as followers,
        Messenger(_messenger_dependencies(shared)) as messenger,
        Archiver(_archiver_dependencies(shared)) as archiver,
    ):
        return await _run_with_reconciler(shared, pods, tests, followers, messenger, archiver)


def _archiver_dependencies(shared: WorkContext) -> ArchiverDependencies:
    settings = shared.settings
    store = store_at(settings.archive, settings.archive_region, Path(settings.archive_credentials), _utc)
    return ArchiverDependencies(api=shared.api, store=store, random=random.random, count=shared.own.count_archiving)


def _messenger_dependencies(shared: WorkContext) -> MessengerDependencies:
    return MessengerDependencies(
        file=WebhookFile(shared.settings.webhooks_file),
        link=shared.settings.report_link,
        clock=time.monotonic,
        now=_utc,
        random=random.random,
        fence=shared.fence,
        count=shared.own.count_message,
    )


async def _run_with_reconciler(
    shared: WorkContext,
    pods: PodClient,
    tests: RunMetrics,
    followers: Followers,
    messenger: Messenger,
    archiver: Archiver,
) -> bool:
    api, settings = shared.api, shared.settings
    memory, roster = Memory(time.monotonic), Roster()
    identities = Identities(api, settings.namespaces, settings.cluster_domain, time.monotonic)
    contenders = Contenders(api, roster, identities, settings.namespaces, settings.policy.limits, _utc)
    queue = WorkQueue(time.monotonic, random.random, shared.own, contenders.urgency)
    children = Children(
        ChildrenDependencies(api, roster, memory, settings.namespaces, time.monotonic, random.random, queue.add_soon)
    )
    means = ObserverDependencies(
        api=api,
        pods=pods,
        memory=memory,
        followers=followers,
        children=children,
        key=shared.key,
        cluster_domain=settings.cluster_domain,
        secret_policy=settings.secret_policy,
        now=_utc,
        clock=time.monotonic,
        scrape_failed=shared.own.scrape_failures.inc,
        messenger=messenger,
        archiver=archiver,
        makes_network_policies=settings.policy.network_policies is not None,
    )
    actor = Actor(api, pods, time.monotonic, _utc, asyncio.sleep, FollowUp(api, messenger, archiver))
    contenders.wake, contenders.rank_anew = queue.add, queue.rank_anew
    messenger.on_end = queue.add
    archiver.on_end = queue.add
    parts = ReconcilerDependencies(
        api, Observer(means), roster, contenders, actor, settings.policy, memory, tests, shared.turns, time.monotonic
    )
    reconciler = Reconciler(parts, queue.add)
    followers.on_change = reconciler.push_endpoints
    async with asyncio.TaskGroup() as group:
        background = [
            group.create_task(queue.run(reconciler.reconcile)),
            group.create_task(contenders.run()),
            group.create_task(_resync(shared, parts, reconciler.child_kinds, queue.add)),
        ]
        new_registry = partial(watching_registry, queue.add, roster, contenders.is_in_line)
        try:
            return await watch_until_stopped(api, settings, shared.health, new_registry, children.run)
        finally:
            for task in background:
                task.cancel()


async def _resync(
    shared: WorkContext, parts: ReconcilerDependencies, kinds: tuple[str, ...], add: Callable[[Key], None]
) -> None:
    """Look at everything now and then, whatever events were missed, and remove what has lost its owner.

    A test in line of which there is no news is looked at by the list alone.
    """
    api, settings, roster = shared.api, shared.settings, parts.roster
    while True:
        shared.health.pulse.beat()
        try:
            # The children first: a test listed after them is there if it ever was when they were made.
            mark = roster.mark()
            children = {kind: await _list_everywhere(api, settings, kind, SELECTOR) for kind in kinds}
            tests = await _list_everywhere(api, settings, LOADTESTS)
            news = roster.replace_tests(tests, mark)
            # Those that were met before and are gone, too: that they were deleted may be what was missed.
            for key in parts.memory.keys.union(_key_of(test) for test in tests):
                if key in news or not parts.contenders.is_in_line(key):
                    add(key)
            uids = frozenset(test["metadata"]["uid"] for test in tests)
            for kind, objects in children.items():
                await remove_orphans(api, kind, objects, uids)
        except ApiError as error:
            _LOG.warning("resync put off: %s", error)
        await asyncio.sleep(settings.resync_seconds)


def _key_of(resource: Json) -> Key:
    metadata = resource["metadata"]
    return metadata["namespace"], metadata["name"]


async def _list_everywhere(api: Api, settings: Settings, kind: str, selector: str = "") -> list[Json]:
    """All objects of a kind in the namespaces that are watched; of what belongs to tests the metadata alone."""
    objects: list[Json] = []
    for namespace in settings.namespaces or (None,):
        objects += await api.list(kind, namespace, selector, metadata_only=kind != LOADTESTS)
    return objects


def _utc() -> datetime:
    return datetime.now(UTC)
