"""The operator's commands on real connections, to servers that stand where pods' control servers do."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import plan_hash
from loadtest_model.protocol.commands import CONTROL_PORT, Verb, command_token
from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import Api
from loadtest_operator.cluster.pods import COMMAND_SECONDS, MOST_AT_ONCE, PodClient
from loadtest_operator.decide.actions import (
    Acknowledge,
    Action,
    BoundSkew,
    EndpointOrder,
    FleetStarted,
    SkewBounded,
    StartFleet,
    StartRest,
    TellEndpoints,
    Verify,
)
from loadtest_operator.facts.observation import Observation, ObservedPod
from serving import serving
from support.archivers import a_follow_up
from support.builders import IDENTITY
from support.loopback import free_address
from support.operator_builders import PLAN, a_pod, a_snapshot, an_observation

KEY = b"k" * 32
LEAD_SECONDS = 0.3


@dataclass
class ControlServer:
    """Takes every command and writes down when it came, with what token and body."""

    address: str
    refuses: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    slow: dict[str, float] = field(default_factory=dict)
    seconds: int = 0
    index: int = 0
    began_at: float = 0.0
    heard: list[tuple[str, float, str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        body = await request.read()
        self.heard.append(
            (verb, time.monotonic(), request.headers["Authorization"], msgspec.json.decode(body) if body else None)
        )
        await asyncio.sleep(self.slow.get(verb, 0.0))
        if verb in self.silent:
            await asyncio.sleep(60)
        return web.json_response({}, status=409 if verb in self.refuses else 200)

    def verbs(self) -> list[str]:
        return [verb for verb, *_ in self.heard]

    def one(self, verb: str) -> tuple[float, str, Any]:
        (found,) = [entry for entry in self.heard if entry[0] == verb]
        return found[1:]

    async def snapshot(self, request: web.Request) -> web.Response:
        counted = Counts(due=12, sent=12, accepted=12, records_sent=12_000, records_confirmed=12_000, bytes_sent=10**6)
        seconds = tuple(
            Second(second=number, counts=counted, virtual_users=5, ended=12, answers=12, records_answered=12_000)
            for number in range(self.seconds)
        )
        steps = (StepAggregate(step=0, seconds=seconds),)
        made = a_snapshot(
            self.index,
            PodState.RUNNING,
            message=f"since {request.query['since']}",
            steps=steps,
            elapsed_seconds=max(0.0, time.monotonic() - self.began_at),
        )
        return web.Response(body=msgspec.json.encode(made))


@pytest.fixture
async def servers() -> AsyncIterator[list[ControlServer]]:
    made = [ControlServer(address) for address in (free_address(), free_address())]
    async with AsyncExitStack() as stack:
        for server in made:
            application = web.Application()
            application.add_routes([web.post("/{verb}", server.take), web.get("/snapshot", server.snapshot)])
            await stack.enter_async_context(serving(application, host=server.address, port=CONTROL_PORT))
        yield made


@pytest.fixture
async def pods() -> AsyncIterator[PodClient]:
    async with PodClient(KEY, time.monotonic) as client:
        yield client


def a_fleet(servers: list[ControlServer]) -> tuple[ObservedPod, ...]:
    return tuple(replace(a_pod(index, PodState.VERIFIED), ip=server.address) for index, server in enumerate(servers))


async def perform(pods: PodClient, observation: Observation, action: Action) -> tuple[Any, ...]:
    async with Api(Configuration()) as api:
        actor = Actor(api, pods, time.monotonic, lambda: datetime.now(UTC), asyncio.sleep, a_follow_up(api))
        return await actor.perform(observation, (action,))


def a_start(fleet: tuple[ObservedPod, ...], longest_lead_seconds: float = LEAD_SECONDS) -> StartFleet:
    return StartFleet(fleet, "start-1", plan_hash(PLAN), LEAD_SECONDS, longest_lead_seconds)


async def test_every_pod_is_armed_before_any_is_started(servers: list[ControlServer], pods: PodClient) -> None:
    fleet = a_fleet(servers)

    await perform(pods, an_observation(*fleet, begun=True), a_start(fleet))

    armed = [server.one("arm")[0] for server in servers]
    started = [server.one("start")[0] for server in servers]
    assert max(armed) < min(started)
    assert servers[0].one("arm")[2] == {"startId": "start-1", "planHash": plan_hash(PLAN)}


async def test_every_start_leads_to_one_instant_and_the_skew_bounds_it(
    servers: list[ControlServer], pods: PodClient
) -> None:
    fleet = a_fleet(servers)

    (outcome,) = await perform(pods, an_observation(*fleet, begun=True), a_start(fleet))

    instants = [at + body["inSeconds"] for at, _, body in (server.one("start") for server in servers)]
    assert isinstance(outcome, FleetStarted)
    assert outcome.unconfirmed_pods == ()
    assert max(instants) - min(instants) <= outcome.skew_seconds
    assert all(instant <= time.monotonic() + outcome.skew_seconds for instant in instants)


async def test_pods_that_took_long_to_arm_are_told_the_start_longer_before_its_instant(
    servers: list[ControlServer], pods: PodClient
) -> None:
    servers[0].slow = {"arm": 0.4}
    fleet = a_fleet(servers)

    await perform(pods, an_observation(*fleet, begun=True), a_start(fleet, longest_lead_seconds=60.0))

    assert all(server.one("start")[2]["inSeconds"] > LEAD_SECONDS for server in servers)


async def test_the_rest_of_a_fleet_is_armed_and_started_at_once_and_the_pods_that_load_hear_nothing(
    servers: list[ControlServer], pods: PodClient
) -> None:
    fleet = (replace(a_fleet(servers)[0], snapshot=a_snapshot(0, PodState.RUNNING)), a_fleet(servers)[1])

    outcomes = await perform(
        pods, an_observation(*fleet, begun=True), StartRest(fleet[1:], fleet, "start-1", plan_hash(PLAN))
    )

    assert outcomes == ()
    assert servers[0].verbs() == []
    assert servers[1].verbs() == ["arm", "start"]
    body = servers[1].one("start")[2]
    assert body["inSeconds"] == 0.0
    assert body["peers"] == [f"{server.address}:{CONTROL_PORT}" for server in servers]


async def test_a_pod_that_refuses_to_be_armed_late_is_not_started(
    servers: list[ControlServer], pods: PodClient
) -> None:
    servers[1].refuses = frozenset({"arm"})
    fleet = a_fleet(servers)

    await perform(pods, an_observation(*fleet, begun=True), StartRest(fleet[1:], fleet, "start-1", plan_hash(PLAN)))

    assert servers[1].verbs() == ["arm"]


async def test_the_skew_of_a_start_that_another_operator_gave_is_bounded_by_what_the_pods_say(
    servers: list[ControlServer], pods: PodClient
) -> None:
    began_at = time.monotonic() - 5.0
    for index, server in enumerate(servers):
        server.index, server.began_at = index, began_at + 0.25 * index
    fleet = a_fleet(servers)

    (outcome,) = await perform(pods, an_observation(*fleet, begun=True), BoundSkew(fleet))

    assert isinstance(outcome, SkewBounded)
    assert 0.25 <= outcome.skew_seconds < 0.25 + 1.0
    begin = datetime.now(UTC).timestamp() - (time.monotonic() - began_at)
    assert abs(outcome.at.timestamp() - begin) < 1.0


async def test_no_skew_is_told_while_a_pod_does_not_say_when_it_began(
    servers: list[ControlServer], pods: PodClient
) -> None:
    servers[1].index, servers[1].began_at = 1, time.monotonic() + 60.0
    fleet = a_fleet(servers)

    assert await perform(pods, an_observation(*fleet, begun=True), BoundSkew(fleet)) == ()


async def test_a_start_names_all_pods_of_the_fleet_and_the_token_that_halts_them(
    servers: list[ControlServer], pods: PodClient
) -> None:
    fleet = a_fleet(servers)

    await perform(pods, an_observation(*fleet, begun=True), a_start(fleet))

    for server in servers:
        _, _, body = server.one("start")
        assert body["peers"] == [f"{each.address}:{CONTROL_PORT}" for each in servers]
        assert body["haltToken"] == command_token(KEY, IDENTITY.uid, "1", Verb.HALT)


@pytest.mark.parametrize("verb", ["arm", "start"])
async def test_whoever_does_not_confirm_makes_the_whole_fleet_halt(
    servers: list[ControlServer], pods: PodClient, verb: str
) -> None:
    servers[1].refuses = frozenset({verb})
    fleet = a_fleet(servers)

    (outcome,) = await perform(pods, an_observation(*fleet, begun=True), a_start(fleet))

    assert outcome.unconfirmed_pods == (fleet[1].name,)
    assert [server.verbs()[-1] for server in servers] == ["halt", "halt"]


async def test_a_pod_that_refuses_to_be_armed_keeps_all_from_being_started(
    servers: list[ControlServer], pods: PodClient
) -> None:
    servers[1].refuses = frozenset({"arm"})
    fleet = a_fleet(servers)

    await perform(pods, an_observation(*fleet, begun=True), a_start(fleet))

    assert all("start" not in server.verbs() for server in servers)


async def test_each_verb_has_a_token_of_its_own(servers: list[ControlServer], pods: PodClient) -> None:
    fleet = a_fleet(servers[:1])

    await perform(pods, an_observation(*fleet), Verify(fleet))
    await perform(pods, an_observation(*fleet), Acknowledge(fleet))

    tokens = {verb: servers[0].one(verb)[1] for verb in ("verify", "ack")}
    assert tokens == {verb: f"Bearer {command_token(KEY, IDENTITY.uid, '1', Verb(verb))}" for verb in ("verify", "ack")}
    assert servers[0].one("ack")[2] == {"sequence": 7}


async def test_a_pod_that_is_not_there_is_an_answer_and_no_exception(pods: PodClient) -> None:
    address = free_address()
    absent = replace(a_pod(0, PodState.VERIFIED), ip=address)

    (outcome,) = await perform(pods, an_observation(absent, begun=True), a_start((absent,)))

    assert outcome.unconfirmed_pods == (absent.name,)
    assert await pods.snapshot(address, 0) is None


async def test_a_scrape_asks_only_for_what_changed(servers: list[ControlServer], pods: PodClient) -> None:
    snapshot = await pods.snapshot(servers[0].address, 41)

    assert snapshot is not None
    assert snapshot.message == "since 41"


async def test_a_day_of_seconds_can_be_read_at_once(servers: list[ControlServer], pods: PodClient) -> None:
    servers[0].seconds = 24 * 3_600

    snapshot = await pods.snapshot(servers[0].address, 0)

    assert snapshot is not None
    assert len(snapshot.steps[0].seconds) == 24 * 3_600


async def test_a_fleet_that_is_silent_keeps_no_other_from_being_heard(
    servers: list[ControlServer], pods: PodClient
) -> None:
    address = free_address()
    with socket.socket() as listening:
        # Connections are taken, and nothing is ever answered.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, CONTROL_PORT))
        listening.listen(1_000)
        silent = [asyncio.create_task(pods.snapshot(address, 0)) for _ in range(3 * MOST_AT_ONCE)]
        await asyncio.sleep(0)

        heard = await pods.snapshot(servers[0].address, 0)

        assert heard is not None
        assert not any(task.done() for task in silent)
        for task in silent:
            task.cancel()
        await asyncio.wait(silent)


async def test_a_pod_that_does_not_answer_keeps_no_other_from_hearing_of_the_endpoints(
    servers: list[ControlServer], pods: PodClient
) -> None:
    fleet = a_fleet(servers)
    servers[0].silent = frozenset({"endpoints"})
    orders = (
        EndpointOrder(fleet[:1], ("10.0.0.6:8000", "10.0.0.7:8000")),
        EndpointOrder(fleet[1:], ("10.0.0.6:8000",), more=True),
    )

    telling = asyncio.create_task(perform(pods, an_observation(*fleet, begun=True), TellEndpoints(orders)))
    async with asyncio.timeout(10):
        while not servers[1].heard:  # noqa: ASYNC110 - asks a plain value
            await asyncio.sleep(0.01)

    (asked, _, _), (told, _, body) = (server.one("endpoints") for server in servers)
    assert told - asked < COMMAND_SECONDS
    assert body["more"] is True
    telling.cancel()
    await asyncio.wait([telling])


async def test_pods_are_told_for_how_long_the_endpoints_are_known(
    servers: list[ControlServer], pods: PodClient
) -> None:
    fleet = a_fleet(servers)
    known_at = time.monotonic() - 5.0

    await perform(
        pods, an_observation(*fleet, begun=True), TellEndpoints((EndpointOrder(fleet, ("10.0.0.6:8000",)),), known_at)
    )

    for server in servers:
        _, _, body = server.one("endpoints")
        assert body["addresses"] == ["10.0.0.6:8000"]
        assert 5.0 <= body["ageSeconds"] < 15.0
