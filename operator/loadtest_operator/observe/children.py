"""The Jobs and pods of all tests, as watches of our own tell of them.

A turn reads them here, mostly without a request. A watch may be behind, and a connection may die without a word. So the
Job and pods of a test are listed for a turn while a watch is known to be broken. If for some seconds neither a list nor
the watch of a kind has told anything, their metadata is listed, and then the whole of them if that is news. They are
listed as well if a Job is on record and not here: no decision rests on a Job of which only a watch has not told.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from loadtest_model.report.labels import RUN_LABEL
from loadtest_model.spec import Identity
from loadtest_operator.cluster.api import JOBS, PODS, Api, ApiError, Change
from loadtest_operator.cluster.following import Following, Selection
from loadtest_operator.cluster.obstacles import NO_RIGHT
from loadtest_operator.facts.names import SELECTOR, uid_selector
from loadtest_operator.facts.observation import ObservedJob
from loadtest_operator.facts.resources import (
    PodReading,
    observed_job,
    observed_pod,
    owner_uid,
    pod_index,
    pod_reading,
    termination_message,
)
from loadtest_operator.observe.memory import Key, Memory
from loadtest_operator.observe.object_cache import ObjectCache
from loadtest_operator.observe.roster import Roster

FRESH_SECONDS: Final = 10.0
"""How long a turn trusts watches that tell nothing before the Job and pods of its test are listed again."""
WATCH_SECONDS: Final = 120
"""How long a watch is asked to last; the next one goes on from where it ended."""

Json = dict[str, Any]
_Place = tuple[str, str | None]


@dataclass(frozen=True)
class ChildrenDependencies:
    """What following is done with. `namespaces` empty means all. `clock` is monotonic, in seconds; `random` gives
    numbers in [0, 1). `ring` asks for a turn of a test of which something has changed."""

    api: Api
    roster: Roster
    memory: Memory
    namespaces: tuple[str, ...]
    clock: Callable[[], float]
    random: Callable[[], float]
    ring: Callable[[Key], None]


class Children:
    """What exists of each test. `run` keeps it up to date."""

    def __init__(self, means: ChildrenDependencies) -> None:
        self._means = means
        self._api = means.api
        self._jobs = ObjectCache(_read_job)
        self._pods = ObjectCache(pod_reading)
        self._places: tuple[_Place, ...] = tuple(
            (kind, namespace) for kind in (JOBS, PODS) for namespace in means.namespaces or (None,)
        )
        self._heard_at: dict[_Place, float] = {}
        self._listed_at: dict[tuple[str, str], float] = {}

    async def run(self) -> None:
        """Follow all of them until cancelled.

        Raises ApiError if the right to one of them is missing.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for place in self._places:
                    group.create_task(self._follow(*place))
        except ExceptionGroup as failures:
            refusal = next((error for error in failures.exceptions if isinstance(error, ApiError)), None)
            raise (refusal or failures) from failures
        finally:
            self._heard_at.clear()

    async def of(self, test: Identity, run_of_job: str | None) -> tuple[list[ObservedJob], list[PodReading]]:
        """The Jobs and pods of a test, of all its runs. `run_of_job` is the run whose Job must exist, if one must.

        Raises ApiError.
        """
        began_at = self._means.clock()
        kinds = [kind for kind in (JOBS, PODS) if not await self._is_trusted(kind, test, run_of_job)]
        selector = uid_selector(test.uid)
        lists = [await self._api.list_with_version(kind, test.namespace, selector) for kind in kinds]
        for kind, (resources, version) in zip(kinds, lists, strict=True):
            self._correct(kind, resources, version, test.namespace, test.uid)
            self._listed_at[test.uid, kind] = began_at
        return self._jobs.of(test.uid), self._pods.of(test.uid)

    def forget(self, uid: str) -> None:
        """The test with this UID is gone."""
        for kind in (JOBS, PODS):
            self._listed_at.pop((uid, kind), None)

    def distrust(self, uid: str) -> None:
        """More is known of a test elsewhere: the next turn lists."""
        for kind in (JOBS, PODS):
            self._listed_at[uid, kind] = -math.inf

    async def _is_trusted(self, kind: str, test: Identity, run_of_job: str | None) -> bool:
        """Whether what the watches told of a test's objects of a kind is good enough for a turn.

        Raises ApiError.
        """
        uid = test.uid
        listed_at = self._listed_at.get((uid, kind), 0.0)
        if len(self._heard_at) < len(self._places) or listed_at == -math.inf:
            return False
        if run_of_job is not None and all(job.run_id != run_of_job for job in self._jobs.of(uid)):
            return False
        heard_at = min(at for (of_kind, _), at in self._heard_at.items() if of_kind == kind)
        began_at = self._means.clock()
        if began_at - max(heard_at, listed_at) < FRESH_SECONDS:
            return True
        if not await self._is_unchanged(kind, test):
            return False
        self._listed_at[uid, kind] = began_at
        return True

    async def _is_unchanged(self, kind: str, test: Identity) -> bool:
        """Whether the API server has the same objects of a test in the same versions: by their metadata alone.

        Listing the pods of a large fleet costs many times as much, and nothing has changed while watches are silent.
        """
        selector = uid_selector(test.uid)
        listed, version = await self._api.list_with_version(kind, test.namespace, selector, metadata_only=True)
        cache = self._cache(kind)
        return not any(map(cache.is_news, listed)) and not any(cache.absent(listed, version, test.namespace, test.uid))

    async def _follow(self, kind: str, namespace: str | None) -> None:
        """Follow the objects of one kind until cancelled.

        Raises ApiError if the right to them is missing.
        """
        place, selection = (kind, namespace), Selection(kind, namespace, SELECTOR)
        following = Following(self._api, kind.rpartition("/")[2], self._means.clock, self._means.random)

        def note_word() -> None:
            self._heard_at[place] = self._means.clock()

        def lose(error: ApiError) -> None:
            self._heard_at.pop(place, None)
            if error.status == NO_RIGHT:
                raise error

        async def follow_once() -> None:
            began_at = self._means.clock()
            resources, version = await following.list(selection)
            for changed in self._correct(kind, resources, version, namespace):
                self._ring(changed)
            self._heard_at[place] = began_at
            while True:
                version = await following.watch(selection, version, WATCH_SECONDS, partial(self._take, kind), note_word)

        await following.run(follow_once, lose)

    def _take(self, kind: str, change: Change) -> None:
        if change.is_removed:
            self._keep_last_word(kind, change.object)
            self._remove(kind, change.object["metadata"]["uid"])
        else:
            self._see(kind, change.object)
        self._ring(owner_uid(change.object))

    def _correct(
        self, kind: str, resources: list[Json], version: str, namespace: str | None, owner: str = ""
    ) -> set[str]:
        """Take in a list. Returns the UIDs of the tests of which it told something."""
        cache = self._cache(kind)
        absent = list(cache.absent(resources, version, namespace, owner))
        changed = {cache.owner_of(uid) for uid in absent}
        for uid in absent:
            self._remove(kind, uid)
        return changed | {owner_uid(resource) for resource in resources if self._see(kind, resource)}

    def _see(self, kind: str, resource: Json) -> bool:
        self._means.roster.see_child(resource, is_pod=kind == PODS)
        self._keep_last_word(kind, resource)
        return self._cache(kind).see(resource)

    def _remove(self, kind: str, uid: str) -> None:
        self._means.roster.forget_child(uid)
        self._cache(kind).remove(uid)

    def _keep_last_word(self, kind: str, resource: Json) -> None:
        if kind == PODS and self._means.roster.key_of(owner_uid(resource)) is not None:
            keep_last_word(resource, self._means.memory)

    def _ring(self, owner: str) -> None:
        key = self._means.roster.key_of(owner)
        if key is not None:
            self._means.ring(key)

    def _cache(self, kind: str) -> ObjectCache[ObservedJob] | ObjectCache[PodReading]:
        return self._pods if kind == PODS else self._jobs


def keep_last_word(pod: Json, memory: Memory) -> None:
    """A failed Job's pods are removed as soon as they have ended, often before the next look: keep what they said, and
    why somebody took them away."""
    observed = observed_pod(pod)
    container_end = observed.container_end
    if container_end is None and not observed.eviction_reason:
        return
    metadata = pod["metadata"]
    run_id = (metadata.get("labels") or {}).get(RUN_LABEL, "")
    pod_identity = (owner_uid(pod), run_id, metadata["uid"], pod_index(pod), metadata["name"])
    record = memory.remember_pod(*pod_identity)
    record.eviction_reason = observed.eviction_reason
    if container_end is not None:
        record.container_end = container_end
        memory.take_last_word(*pod_identity, termination_message(pod))


def _read_job(job: Json) -> ObservedJob:
    return observed_job(job, owner_uid(job))
