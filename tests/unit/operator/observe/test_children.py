"""The Jobs and pods of tests, as watches tell of them: what a turn may rest on, and what it must ask for."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_model.spec import Identity
from loadtest_operator.cluster.api import JOBS, PODS, Api, ApiError, Change
from loadtest_operator.facts.names import CONTAINER, INDEX_ANNOTATION
from loadtest_operator.observe.children import FRESH_SECONDS, WATCH_SECONDS, Children, ChildrenDependencies
from loadtest_operator.observe.memory import Key, Memory
from loadtest_operator.observe.roster import Roster
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]

TEST = Identity(namespace="shop", name="heavy", uid="u")
HEAVY: Json = {
    "metadata": {
        "namespace": "shop",
        "name": "heavy",
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": "2026-03-01T12:00:00Z",
    },
    "spec": {"target": {"url": "http://192.0.2.7/"}, "scenario": "light"},
}


def a_child(uid: str, version: int) -> Json:
    return {
        "metadata": {
            "namespace": "shop",
            "name": uid,
            "uid": uid,
            "resourceVersion": str(version),
            "creationTimestamp": "2026-03-01T12:00:00Z",
            "labels": {UID_LABEL: "u", RUN_LABEL: "1"},
            "annotations": {INDEX_ANNOTATION: "0"},
        }
    }


def a_job(version: int = 10) -> Json:
    return {**a_child("job", version), "spec": {"template": {"spec": {}}}}


def a_pod(uid: str = "pod", version: int = 10, state: Json | None = None) -> Json:
    statuses = [{"name": CONTAINER, "state": state or {}}]
    return {**a_child(uid, version), "status": {"podIP": "192.0.2.9", "containerStatuses": statuses}}


class Cluster(Api):
    """An API server with a Job and pods. `tell` has the watches say something.

    `lists` counts the lists of one test, and `checks` those of metadata alone.
    """

    def __init__(self, *pods: Json) -> None:
        super().__init__(Configuration())
        self.checks: list[str] = []
        self.objects: dict[str, list[Json]] = {JOBS: [a_job()], PODS: list(pods)}
        self.version = 10
        self.lists: list[str] = []
        self.full_lists = 0
        self.watched_from: dict[str, list[str]] = {JOBS: [], PODS: []}
        self._queues: dict[str, asyncio.Queue[Change | Exception | None]] = {}
        self.refusals: dict[str, ApiError] = {}

    def tell(self, kind: str, change: Change | Exception | None) -> None:
        """Have the watch of a kind say this; None ends it."""
        self._queues[kind].put_nowait(change)

    async def list_with_version(
        self, kind: str, _namespace: str | None = None, selector: str = "", *, metadata_only: bool = False, **_: Any
    ) -> tuple[list[Json], str]:
        await asyncio.sleep(0)
        if kind in self.refusals:
            raise self.refusals[kind]
        if metadata_only:
            self.checks.append(kind)
            return [{"metadata": each["metadata"]} for each in self.objects[kind]], str(self.version)
        if selector.endswith("=u"):
            self.lists.append(kind)
        else:
            self.full_lists += 1
        return list(self.objects[kind]), str(self.version)

    async def watch(
        self, kind: str, _namespace: str | None, version: str, *_: Any, **__: Any
    ) -> AsyncGenerator[Change, None]:
        self.watched_from[kind].append(version)
        queue = self._queues[kind] = asyncio.Queue()
        while (change := await queue.get()) is not None:
            if isinstance(change, Exception):
                raise change
            yield change


class Following:
    """Children that are followed, with the names of those that were rung for."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.rung: list[Key] = []
        self.memory = Memory(lambda: 0.0)
        roster = Roster()
        roster.see_test(HEAVY)
        clock = asyncio.get_running_loop().time
        self.children = Children(
            ChildrenDependencies(cluster, roster, self.memory, (), clock, lambda: 0.5, self.rung.append)
        )

    async def pods(self, run_of_job: str | None = "1") -> list[tuple[str, bool]]:
        """What a turn reads of the pods: their UIDs, and whether they run."""
        _, readings = await self.children.of(TEST, run_of_job)
        return sorted((reading.pod.uid, reading.pod.is_running) for reading in readings)


def follow(cluster: Cluster, course: Callable[[Following], Coroutine[Any, Any, None]]) -> Following:
    """Follow while a course is taken, in virtual time."""

    async def run() -> Following:
        following = Following(cluster)
        task = asyncio.create_task(following.children.run())
        await asyncio.sleep(0.1)
        try:
            await course(following)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return following

    return run_in_virtual_time(run())


RUNNING = {"running": {}}


def test_what_the_watches_told_is_read_without_a_request() -> None:
    cluster = Cluster(a_pod())

    async def course(following: Following) -> None:
        cluster.tell(PODS, Change(False, a_pod(version=11, state=RUNNING)))
        cluster.tell(PODS, Change(False, a_pod("other", version=12)))
        await asyncio.sleep(0.1)
        assert await following.pods() == [("other", False), ("pod", True)]

        cluster.tell(PODS, Change(True, a_pod("other", version=13)))
        await asyncio.sleep(0.1)
        assert await following.pods() == [("pod", True)]

    following = follow(cluster, course)

    assert cluster.lists == []
    assert following.rung == [("shop", "heavy")] * 5


def test_watches_that_have_told_nothing_for_some_seconds_are_not_trusted() -> None:
    cluster = Cluster()

    async def course(following: Following) -> None:
        # The connection is dead, and nobody has said so.
        cluster.objects[PODS] = [a_pod(version=11)]
        cluster.version = 11
        await asyncio.sleep(FRESH_SECONDS - 1)
        assert await following.pods() == []
        await asyncio.sleep(2)
        assert await following.pods() == [("pod", False)]
        assert await following.pods() == [("pod", False)]

    follow(cluster, course)

    assert cluster.checks == [JOBS, PODS]
    assert cluster.lists == [PODS]


def test_while_watches_are_silent_and_nothing_has_changed_no_more_than_metadata_is_asked_for() -> None:
    cluster = Cluster(a_pod(), a_pod("other"))

    async def course(following: Following) -> None:
        for _ in range(3):
            await asyncio.sleep(FRESH_SECONDS + 1)
            assert await following.pods() == [("other", False), ("pod", False)]
            await following.pods()

    follow(cluster, course)

    assert cluster.checks == [JOBS, PODS] * 3
    assert cluster.lists == []


def test_what_went_while_a_watch_was_silent_is_found_out() -> None:
    cluster = Cluster(a_pod(), a_pod("other"))

    async def course(following: Following) -> None:
        cluster.objects[PODS] = [a_pod()]
        cluster.version = 11
        await asyncio.sleep(FRESH_SECONDS + 1)
        assert await following.pods() == [("pod", False)]

    follow(cluster, course)

    assert cluster.lists == [PODS]


def test_a_watch_that_speaks_is_trusted_while_the_other_is_silent() -> None:
    cluster = Cluster()

    async def course(following: Following) -> None:
        await asyncio.sleep(FRESH_SECONDS + 1)
        cluster.tell(PODS, Change(False, a_pod(version=11)))
        await asyncio.sleep(0.1)
        assert await following.pods() == [("pod", False)]

    follow(cluster, course)

    assert cluster.checks == [JOBS]
    assert cluster.lists == []


def test_while_a_watch_is_broken_every_turn_lists() -> None:
    cluster = Cluster(a_pod())

    async def course(following: Following) -> None:
        cluster.refusals[PODS] = ApiError(0, "Unreachable", "no route")
        cluster.tell(PODS, ApiError(0, "Unreachable", "reset"))
        await asyncio.sleep(0.1)
        with pytest.raises(ApiError, match="no route"):
            await following.pods()
        del cluster.refusals[PODS]
        assert await following.pods() == [("pod", False)]

    follow(cluster, course)

    assert cluster.lists == [JOBS, JOBS, PODS]


def test_a_job_that_is_on_record_and_that_no_watch_has_told_of_is_asked_for() -> None:
    cluster = Cluster()
    cluster.objects[JOBS] = []

    async def course(following: Following) -> None:
        cluster.objects[JOBS] = [a_job(11)]
        cluster.version = 11
        assert (await following.children.of(TEST, None))[0] == []
        assert cluster.lists == []
        jobs, _ = await following.children.of(TEST, "1")
        assert [job.uid for job in jobs] == ["job"]

    follow(cluster, course)

    assert cluster.lists == [JOBS, PODS]


def test_what_is_known_elsewhere_is_asked_for_once() -> None:
    cluster = Cluster()

    async def course(following: Following) -> None:
        following.children.distrust("u")
        await following.pods(None)
        await following.pods(None)

    follow(cluster, course)

    assert cluster.lists == [JOBS, PODS]


def test_a_version_that_is_too_old_by_now_is_followed_by_a_list_that_knows_what_has_gone() -> None:
    cluster = Cluster(a_pod())

    async def course(following: Following) -> None:
        following.rung.clear()
        cluster.objects[PODS] = []
        cluster.version = 20
        cluster.tell(PODS, ApiError(410, "Expired", "too old"))
        await asyncio.sleep(2)
        assert await following.pods() == []

    following = follow(cluster, course)

    assert following.rung == [("shop", "heavy")]
    assert cluster.lists == []
    assert cluster.watched_from[PODS] == ["10", "20"]


def test_a_watch_goes_on_from_where_the_one_before_it_ended() -> None:
    cluster = Cluster()

    async def course(_following: Following) -> None:
        await asyncio.sleep(WATCH_SECONDS / 2)
        cluster.tell(PODS, Change(False, a_pod(version=15)))
        cluster.tell(PODS, Change(False, {"metadata": {"resourceVersion": "17"}}, is_bookmark=True))
        cluster.tell(PODS, None)
        await asyncio.sleep(0.1)

    follow(cluster, course)

    assert cluster.watched_from[PODS] == ["10", "17"]
    assert cluster.full_lists == 2


def test_a_server_whose_watches_end_at_once_is_not_asked_without_rest() -> None:
    cluster = Cluster()

    async def course(_following: Following) -> None:
        for _ in range(40):
            cluster.tell(PODS, None)
            await asyncio.sleep(0.5)

    follow(cluster, course)

    assert 2 < len(cluster.watched_from[PODS]) < 10


def test_a_right_that_is_missing_ends_it() -> None:
    async def run() -> None:
        cluster = Cluster()
        cluster.refusals[PODS] = ApiError(403, "Forbidden", "may not list pods")
        await Following(cluster).children.run()

    with pytest.raises(ApiError, match="may not list pods"):
        run_in_virtual_time(run())


def test_the_last_word_of_a_pod_that_is_removed_at_once_is_kept() -> None:
    cluster = Cluster(a_pod())
    ended = {"terminated": {"exitCode": 64, "reason": "Error", "message": "loadgen: invalid choice"}}

    async def course(following: Following) -> None:
        cluster.tell(PODS, Change(True, a_pod(version=11, state=ended)))
        await asyncio.sleep(0.1)

    following = follow(cluster, course)

    container_end = following.memory.pods("u", "1")["pod"].container_end
    assert container_end is not None
    assert container_end.exit_code == 64
