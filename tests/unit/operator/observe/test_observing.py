"""What one look after the other shows, from the objects that the API server holds."""

import time
from typing import Any

import pytest

from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.cluster.api import EVENTS, ApiError
from loadtest_operator.cluster.pods import PodClient, Taker, take_nothing
from loadtest_operator.facts.names import CONTAINER, INDEX_ANNOTATION
from loadtest_operator.facts.observation import Complaint, Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.manifests import job
from loadtest_operator.observe.children import Children, ChildrenDependencies
from loadtest_operator.observe.complaints import COMPLAINTS_SECONDS
from loadtest_operator.observe.followers import Followers
from loadtest_operator.observe.memory import Memory
from loadtest_operator.observe.observer import Observer, ObserverDependencies
from loadtest_operator.observe.roster import Roster
from support.archivers import an_archiver
from support.builders import IDENTITY
from support.fake_api import FakeApi
from support.messengers import a_messenger
from support.operator_builders import NOW, PLAN, POLICY, a_fleet_spec, a_snapshot

Json = dict[str, Any]

QUOTA: Json = {
    "metadata": {"name": "heavy.1", "creationTimestamp": "2026-03-01T12:00:00Z"},
    "reason": "FailedCreate",
    "message": "exceeded quota",
}
TEST: Json = {
    "metadata": {
        "namespace": IDENTITY.namespace,
        "name": IDENTITY.name,
        "uid": IDENTITY.uid,
        "resourceVersion": "1",
        "creationTimestamp": "2026-03-01T12:00:00Z",
    },
    "spec": {"target": {"url": "http://192.0.2.7/"}, "scenario": "light", "parallelism": 2},
}
WATCHED = {"url": "http://192.0.2.7/", "workload": {"kind": "Deployment", "name": "clients"}}
WATCHING: Json = {**TEST, "spec": {**TEST["spec"], "target": WATCHED}}


def a_job(created_at: str = "2026-03-01T11:59:00Z") -> Json:
    made = job(PLAN, a_fleet_spec(), POLICY.pods)
    made["metadata"] |= {"uid": "job-1", "resourceVersion": "2", "creationTimestamp": created_at}
    return made


class Verified(PodClient):
    """Every pod answers that it has verified."""

    async def snapshot(self, ip: str, _since: int, take: Taker = take_nothing) -> Snapshot | None:
        snapshot = a_snapshot(int(ip.rpartition(".")[2]), PodState.VERIFIED)
        await take(snapshot)
        return snapshot


class NotedEnds(Followers):
    """Notes of which tests nothing is followed any more."""

    ended: tuple[str, ...] = ()

    def stop(self, uid: str) -> None:
        self.ended += (uid,)
        super().stop(uid)


def a_running_pod(index: int) -> Json:
    statuses = [{"name": CONTAINER, "state": {"running": {}}}]
    return {
        "metadata": {
            "name": f"heavy-1-{index}",
            "uid": f"pod-{index}",
            "resourceVersion": "3",
            "labels": {RUN_LABEL: "1", UID_LABEL: IDENTITY.uid},
            "annotations": {INDEX_ANNOTATION: str(index)},
        },
        "status": {"phase": "Running", "podIP": f"192.0.2.{index}", "containerStatuses": statuses},
    }


def an_observer(api: FakeApi, memory: Memory, followers: Followers | None = None) -> Observer:
    pods = Verified(b"key", time.monotonic)
    followers = followers or Followers(api, lambda: 100.0, lambda: 0.5)
    means = ObserverDependencies(
        api=api,
        pods=pods,
        memory=memory,
        followers=followers,
        children=Children(
            ChildrenDependencies(api, Roster(), memory, (), lambda: 100.0, lambda: 0.5, lambda _key: None)
        ),
        key=b"k" * 32,
        cluster_domain="cluster.local",
        secret_policy="",
        now=lambda: NOW,
        clock=lambda: 100.0,
        scrape_failed=lambda: None,
        messenger=a_messenger(),
        archiver=an_archiver(api),
    )
    return Observer(means)


async def look(observer: Observer) -> Observation:
    seen = await observer.observe(IDENTITY.namespace, IDENTITY.name)
    assert seen is not None
    return seen


async def test_events_are_read_now_and_then_and_what_they_said_is_known_in_between() -> None:
    clock, told = [100.0], []
    async with FakeApi(loadtests=[TEST], jobs=[a_job()], events=[QUOTA]) as api:
        observer = an_observer(api, Memory(lambda: clock[0]))
        for _ in range(4):
            told.append((await look(observer)).complaints)
            clock[0] += COMPLAINTS_SECONDS / 2

        assert told == [(Complaint("job-1", "FailedCreate", "exceeded quota"),)] * 4
        assert api.requested_kinds.count("events") == 2


async def test_of_a_fleet_that_was_just_made_no_events_are_read() -> None:
    async with FakeApi(loadtests=[TEST], jobs=[a_job(rfc3339(NOW))], events=[QUOTA]) as api:
        assert (await look(an_observer(api, Memory(lambda: 100.0)))).complaints == ()

        assert "events" not in api.requested_kinds


class FakeApiWithSlowEvents(FakeApi):
    """An API server that answers every question about Events too late, once `fails` is set."""

    fails = False

    async def list(self, kind: str, *rest: Any, **more: Any) -> list[Json]:
        if self.fails and kind == EVENTS:
            raise ApiError(504, "Timeout", "too many Events")
        return await super().list(kind, *rest, **more)


async def test_events_that_cannot_be_read_void_no_look_and_what_they_said_before_is_kept() -> None:
    clock = [100.0]
    async with FakeApiWithSlowEvents(loadtests=[TEST], jobs=[a_job()], events=[QUOTA]) as api:
        observer = an_observer(api, Memory(lambda: clock[0]))
        await look(observer)
        api.fails = True
        clock[0] += COMPLAINTS_SECONDS

        assert (await look(observer)).complaints == (Complaint("job-1", "FailedCreate", "exceeded quota"),)


async def test_a_test_made_anew_under_its_name_ends_what_was_followed_for_the_one_before() -> None:
    async with FakeApi(loadtests=[TEST]) as api:
        memory, followers = Memory(lambda: 100.0), NotedEnds(api, lambda: 100.0, lambda: 0.5)
        memory.remember((IDENTITY.namespace, IDENTITY.name), "before")

        await look(an_observer(api, memory, followers))

    assert "before" in followers.ended


async def test_before_the_start_every_look_is_at_the_workload_too() -> None:
    held = FakeApi(loadtests=[WATCHING], jobs=[a_job()], pods=[a_running_pod(0), a_running_pod(1)])
    async with held as api:
        observer = an_observer(api, Memory(lambda: 100.0))

        looks = [(await look(observer)).workload for _ in range(3)]

    assert [seen.problem if seen else None for seen in looks] == ["WorkloadNotFound"] * 3


FIELDS = "records: {fields: {only: [email]}}"
WITH_TEMPLATE: Json = {**TEST, "spec": {**TEST["spec"], "records": {"template": {"name": "products"}}}}


def a_config_map(**data: str) -> Json:
    return {"metadata": {"name": "products", "namespace": IDENTITY.namespace}, "data": data}


@pytest.mark.parametrize(
    ("config_maps", "problem", "words"),
    [
        ([a_config_map(**{"fields.yaml": FIELDS})], None, ""),
        ([{**a_config_map(), "metadata": {"name": "others"}}], "ConfigMapMissing", "products, which spec.records"),
        ([a_config_map(other=FIELDS)], "ConfigMapKeyMissing", "has no key fields.yaml"),
        ([a_config_map(**{"fields.yaml": "secret: 1"})], "RecordsInvalid", "must hold `records:` alone"),
    ],
)
async def test_the_columns_of_a_template_are_read_before_there_is_a_job(
    config_maps: list[Json], problem: str | None, words: str
) -> None:
    async with FakeApi(loadtests=[WITH_TEMPLATE], configmaps=config_maps) as api:
        template = (await look(an_observer(api, Memory(lambda: 100.0)))).records_template

    assert template is not None
    assert template.problem == problem
    assert words in template.message
    assert (template.template is None) == bool(problem)


async def test_a_test_with_a_job_needs_its_template_no_more() -> None:
    async with FakeApi(loadtests=[WITH_TEMPLATE], jobs=[a_job()], configmaps=[]) as api:
        assert (await look(an_observer(api, Memory(lambda: 100.0)))).records_template is None
