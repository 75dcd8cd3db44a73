"""Following what stands behind the targets of running tests: a watch of our own for each, from its Job to its end.

What is followed is listed anew every half minute, whatever was heard meanwhile, so that nothing rests on a watch alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from loadtest_operator.cluster.api import ENDPOINT_SLICES, PODS, SERVICES, Api, ApiError, Change
from loadtest_operator.cluster.following import Following, Selection
from loadtest_operator.facts.disruptions import Eviction, evictions_of
from loadtest_operator.facts.endpoints import Endpoints, ServiceHost, observed_endpoints, selector_of, slice_selector

_LOG: Final = logging.getLogger(__name__)

LISTING_SECONDS: Final = 30
"""How long a watch lasts before everything is listed anew."""
_GRACE_SECONDS: Final = 2.0
"""How much longer than it was asked for a watch may last: a connection that died without a word never ends it."""

Json = dict[str, Any]


@dataclass(frozen=True)
class RunKey:
    """A run of a test, by the test's namespace, name and UID and the run id."""

    namespace: str
    name: str
    uid: str
    run_id: str


@dataclass(frozen=True)
class Sight:
    """What is seen behind a Service: its endpoints, known since an instant of the operator's clock, and evictions."""

    endpoints: Endpoints
    known_at: float
    evictions: tuple[Eviction, ...] = ()


SightHandler = Callable[[Sight], Coroutine[Any, Any, None]]
RunSightHandler = Callable[[RunKey, Sight], Awaitable[None]]


@dataclass
class _Objects:
    """The objects behind one Service by their UIDs."""

    services: dict[str, Json] = field(default_factory=dict)
    slices: dict[str, Json] = field(default_factory=dict)
    pods: dict[str, Json] = field(default_factory=dict)

    @property
    def service(self) -> Json | None:
        return next(iter(self.services.values()), None)


class Follower:
    """Follows one Service. `sight` is None while it is not known what stands behind it."""

    def __init__(self, api: Api, host: ServiceHost, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._host = host
        self._clock = clock
        self._following = Following(api, f"Service {host.namespace}/{host.name}", clock, random)
        self._evictions: dict[str, Eviction] = {}
        self._last_sight: Sight | None = None
        self._change_event = asyncio.Event()
        self.sight: Sight | None = None

    async def run(self, news: SightHandler) -> None:
        """Follow, and tell of each change, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report_changes(news, tasks))
            await self._following.run(self._follow_once, self._lose_sight)

    def _lose_sight(self, _: ApiError) -> None:
        self.sight = None

    async def _report_changes(self, news: SightHandler, tasks: asyncio.TaskGroup) -> None:
        """Tell of each change at once, also while somebody still hears of the one before."""
        reported: Sight | None = None
        while True:
            await self._change_event.wait()
            self._change_event.clear()
            if self.sight is not None and self.sight != reported:
                reported = self.sight
                tasks.create_task(news(reported))

    async def _follow_once(self) -> None:
        """List everything, and watch it until a watch ends, the Service itself is changed or all should have ended.

        Raises ApiError, also if a watch ends as soon as it has begun.
        """
        namespace, name = self._host.namespace, self._host.name
        objects = _Objects()
        of_service = Selection(SERVICES, namespace, fields=f"metadata.name={name}")
        of_slices = Selection(ENDPOINT_SLICES, namespace, slice_selector(name))
        services, services_version = await self._following.list(of_service)
        objects.services = _by_uid(services)
        slices, slices_version = await self._following.list(of_slices)
        objects.slices = _by_uid(slices)
        selector = selector_of(objects.service) if objects.service else ""
        of_pods, pods_version = Selection(PODS, namespace, selector), ""
        if selector:
            pods, pods_version = await self._following.list(of_pods)
            objects.pods = _by_uid(pods)
        self._update_sight(objects)
        watches = [
            self._watch(objects, objects.services, of_service, services_version),
            self._watch(objects, objects.slices, of_slices, slices_version),
        ]
        if selector:
            watches.append(self._watch(objects, objects.pods, of_pods, pods_version))
        tasks = [asyncio.ensure_future(watch) for watch in watches]
        try:
            ended_tasks, _ = await asyncio.wait(
                tasks, timeout=LISTING_SECONDS + _GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended_tasks:
            task.result()

    async def _watch(
        self, objects: _Objects, known_objects: dict[str, Json], selection: Selection, version: str
    ) -> None:
        """Take in what changes, until the Service itself does or the watch ends."""

        def take(change: Change) -> bool:
            uid = change.object["metadata"]["uid"]
            if change.is_removed:
                known_objects.pop(uid, None)
            else:
                known_objects[uid] = change.object
            self._update_sight(objects)
            # What else belongs to a changed Service may be selected otherwise now.
            return known_objects is objects.services

        await self._following.watch(selection, version, LISTING_SECONDS, take)

    def _update_sight(self, objects: _Objects) -> None:
        pods = list(objects.pods.values())
        for each in evictions_of(pods):
            self._evictions.setdefault(each.pod, each)
        endpoints = observed_endpoints(self._host, objects.service, list(objects.slices.values()), pods)
        known_at = self._clock()
        if self._last_sight is not None and self._last_sight.endpoints == endpoints:
            known_at = self._last_sight.known_at
        self.sight = self._last_sight = Sight(endpoints, known_at, tuple(sorted(self._evictions.values())))
        self._change_event.set()


class Followers:
    """The followers of all running tests; `on_change` hears of each change at once."""

    def __init__(self, api: Api, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._random = random
        self._running: dict[RunKey, tuple[Follower, asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.on_change: RunSightHandler | None = None

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, task in self._running.values():
            task.cancel()
        if self._group is not None:
            await self._group.__aexit__(kind, error, trace)

    def follow(self, run: RunKey, host: ServiceHost) -> Sight | None:
        """Follow a run's target from now on. Returns what stands behind it, None while that is not known."""
        if run not in self._running:
            if self._group is None:
                raise RuntimeError("nothing is followed outside of the `async with`")
            self.stop(run.uid)
            follower = Follower(self._api, host, self._clock, self._random)
            self._running[run] = (follower, self._group.create_task(self._follow(run, follower)))
        return self._running[run][0].sight

    def latest_sight(self, uid: str, run_id: str) -> Sight | None:
        """What stands behind a run's target, where that is followed and known."""
        followers = (follower for run, (follower, _) in self._running.items() if (run.uid, run.run_id) == (uid, run_id))
        follower = next(followers, None)
        return follower.sight if follower else None

    def stop(self, uid: str) -> None:
        """Stop following the target of a test."""
        for run in [run for run in self._running if run.uid == uid]:
            self._running.pop(run)[1].cancel()

    async def _follow(self, run: RunKey, follower: Follower) -> None:
        async def report_change(sight: Sight) -> None:
            if self.on_change is not None:
                await self.on_change(run, sight)

        try:
            await follower.run(report_change)
        except Exception:
            # The next turn follows anew.
            if run in self._running and self._running[run][0] is follower:
                del self._running[run]
            _LOG.exception("%s/%s: its target was not followed any further", run.namespace, run.name)


def _by_uid(objects: list[Json]) -> dict[str, Json]:
    return {resource["metadata"]["uid"]: resource for resource in objects}
