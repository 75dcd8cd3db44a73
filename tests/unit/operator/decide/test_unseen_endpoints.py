"""Endpoints that the operator may not read: no load, unless the test accepts that little is proven; then it is said."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.aio.client import Configuration
from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan.mesh import NOTICE as MESH
from loadtest_model.plan.mesh import mesh_notice
from loadtest_model.plan.notices import plan_notices
from loadtest_model.plan.unseen_endpoints import EXPLANATION, NOTICE
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_model.spec import Spec
from loadtest_operator.cluster.api import ENDPOINT_SLICES, PODS, SERVICES, Api, ApiError
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import CreateJob
from loadtest_operator.facts.endpoints import Endpoints, ServiceHost, unreadable_endpoints
from loadtest_operator.facts.resources import observed_job
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames, may_exist
from loadtest_operator.observe.targets import TargetReader
from support.builders import IDENTITY
from support.operator_builders import (
    PLAN,
    POLICY,
    a_fleet_spec,
    a_new_observation,
    a_pod,
    a_test,
    an_observation,
    next_observation,
)
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]
SERVICE: Json = {"metadata": {"name": "clients"}, "spec": {"ports": [{"port": 8000}], "selector": {"app": "clients"}}}


class Guarded(Api):
    """An API server that holds one Service without slices, and forbids some kinds."""

    def __init__(self, *forbidden: str) -> None:
        super().__init__(Configuration())
        self._forbidden = forbidden

    def _guard(self, kind: str) -> None:
        if kind in self._forbidden:
            plural = kind.rpartition("/")[2]
            raise ApiError(403, "Forbidden", f"{plural} is forbidden")

    async def get(self, kind: str, _namespace: str | None, _name: str) -> Json | None:
        self._guard(kind)
        return SERVICE

    async def list(self, kind: str, *_: Any, **__: Any) -> list[Json]:
        self._guard(kind)
        return []


def a_spec(host: str, accepts: bool = False) -> Spec:
    verification = {"unreadableEndpoints": "Accept"} if accepts else {}
    return a_fleet_spec(target={"url": f"http://{host}:8000/"}, verification=verification)


def looked_up(spec: Spec, *forbidden: str, exists: bool = True, beside: bool = False) -> Endpoints | None:
    async def dns(name: str) -> bool:
        assert name == "clients.shop.svc.cluster.local"
        return exists

    async def look() -> Endpoints | None:
        clock = asyncio.get_running_loop().time
        reader = TargetReader(Guarded(*forbidden), ServiceNames("cluster.local", dns), RefusalWatch(clock))
        test = a_test(spec)
        return await (reader.endpoints_under_load(test) if beside else reader.endpoints(test))

    return run_in_virtual_time(look())


@pytest.mark.parametrize("forbidden", [SERVICES, ENDPOINT_SLICES, PODS])
@pytest.mark.parametrize("host", ["clients.shop.svc", "clients.shop.svc.cluster.local", "clients.shop"])
def test_endpoints_that_may_not_be_read_are_a_problem_that_names_the_right_to_give(forbidden: str, host: str) -> None:
    found = looked_up(a_spec(host), forbidden)

    assert found is not None
    assert (found.problem, found.is_lasting) == ("EndpointsNotReadable", False)
    for said in (
        "Service shop/clients",
        f"{forbidden.rpartition('/')[2]} is forbidden",
        "a Role in namespace shop to get, list and watch services, pods and endpointslices",
        "watch.targetNamespaces",
        "spec.verification.unreadableEndpoints",
    ):
        assert said in found.message


@pytest.mark.parametrize("host", ["clients.shop.svc", "clients.shop"])
def test_a_test_may_accept_that_they_are_not_seen(host: str) -> None:
    assert looked_up(a_spec(host, accepts=True), ENDPOINT_SLICES) == Endpoints(may_be_hidden=True)


@pytest.mark.parametrize("accepts", [True, False])
def test_endpoints_that_may_be_read_are_proven_each_whatever_a_test_accepts(accepts: bool) -> None:
    found = looked_up(a_spec("clients.shop.svc", accepts))

    assert found is not None
    assert found.may_be_hidden is False
    assert found.problem == "TargetHasNoEndpoints"


def test_a_name_outside_the_cluster_that_looks_like_a_services_is_no_service() -> None:
    assert looked_up(a_spec("clients.shop"), SERVICES, exists=False) == Endpoints()


@pytest.mark.parametrize("accepts", [True, False])
def test_a_right_that_goes_while_the_load_runs_leaves_the_endpoints_as_they_were(accepts: bool) -> None:
    assert looked_up(a_spec("clients.shop.svc", accepts), ENDPOINT_SLICES, beside=True) is None


@pytest.mark.parametrize(("code", "exists"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
async def test_a_name_may_exist_unless_dns_says_that_it_does_not(
    code: int, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(code, "said")

    assert await may_exist("localhost")
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await may_exist("localhost") is exists


REFUSED = unreadable_endpoints(ServiceHost("shop", "clients", 8000, is_certain=True), "endpointslices is forbidden")


def test_without_the_right_no_pod_is_made_and_the_wait_for_it_ends() -> None:
    observation = a_new_observation(endpoints=REFUSED)

    waiting = decide(observation, POLICY)
    later = next_observation(observation, waiting, now=observation.now + timedelta(seconds=POLICY.waiting_seconds))
    ended = decide(later, POLICY).status

    assert waiting.actions == ()
    assert waiting.status is not None
    assert waiting.status.phase is Phase.QUEUED
    verified = waiting.status.condition(ConditionType.VERIFIED)
    assert verified is not None
    assert (verified.status, verified.reason) == ("False", "EndpointsNotReadable")
    assert ended is not None
    assert (ended.phase, ended.verdict) == (Phase.COMPLETED, "Failed")
    assert "watch.targetNamespaces" in ended.message


def test_a_test_starts_by_itself_once_the_right_is_given() -> None:
    observation = a_new_observation(endpoints=REFUSED)

    given = next_observation(observation, decide(observation, POLICY), endpoints=Endpoints(("10.0.0.5:8000",)))

    assert [type(action) for action in decide(given, POLICY).actions] == [CreateJob]


def test_what_is_accepted_is_said_before_the_load() -> None:
    decision = decide(
        a_new_observation(a_spec("clients.shop.svc", accepts=True), endpoints=Endpoints(may_be_hidden=True)), POLICY
    )

    (creation,) = decision.actions
    assert isinstance(creation, CreateJob)
    metadata = {**creation.manifest["metadata"], "uid": "job-1", "creationTimestamp": "2026-03-01T12:00:00Z"}
    plan = observed_job({**creation.manifest, "metadata": metadata}, IDENTITY.uid).plan
    assert plan is not None
    assert plan.unseen_endpoints
    assert plan_notices(plan) == (NOTICE,)
    assert decision.status is not None
    assert NOTICE in decision.status.message


def passed(*, unseen: bool) -> Status:
    observation = an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    assert observation.job is not None
    plan = structs.replace(PLAN, unseen_endpoints=unseen)
    made = replace(observation, job=replace(observation.job, plan=plan))
    status = decide(made, POLICY).status
    assert status is not None
    assert status.verdict == "Passed"
    return status


def test_what_was_accepted_lowers_the_claim_wherever_it_is_made() -> None:
    status = passed(unseen=True)
    verified = status.condition(ConditionType.VERIFIED)

    assert status.verification is not None
    assert status.summary is not None
    assert verified is not None
    assert EXPLANATION in status.message
    assert EXPLANATION in verified.message
    assert status.verification.notice == NOTICE


def test_where_each_endpoint_was_proven_nothing_lowers_the_claim() -> None:
    status = passed(unseen=False)
    verified = status.condition(ConditionType.VERIFIED)

    assert status.verification is not None
    assert verified is not None
    assert status.verification.notice == ""
    assert "unproven" not in status.message
    assert EXPLANATION not in status.message + verified.message


def test_everything_that_lowers_a_claim_has_room_in_the_status() -> None:
    beside = mesh_notice(PLAN, tuple("c" * 63 for _ in range(9)))

    assert max(len(f"{NOTICE}; {other}") for other in (MESH, beside)) <= 1_024
