"""What the pods are told of the endpoints behind the target's Service while the load runs."""

from dataclasses import replace

from msgspec import structs

from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_model.reasons import Reason
from loadtest_operator.decide import decide, urgent_orders
from loadtest_operator.decide.actions import Action, EndpointOrder, TellEndpoints
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import ObservedPod
from support.operator_builders import (
    ADDRESSES,
    PLAN,
    POLICY,
    PROOF,
    a_job,
    a_measured_step,
    a_pod,
    a_snapshot,
    an_observation,
)

OLD, NEW = ADDRESSES.addresses[0], "10.0.0.6:8000"
FOLLOWING = a_job(plan=structs.replace(PLAN, command_digests={Verb.ENDPOINTS: "digest"}))


def a_loading_pod(index: int, *told: str, proven: tuple[str, ...] = (OLD,)) -> ObservedPod:
    """A pod that was told these addresses last."""
    snapshot = a_snapshot(
        index,
        PodState.RUNNING,
        endpoints=endpoints_digest(told),
        verification=structs.replace(PROOF, addresses=proven),
    )
    return replace(a_pod(index, PodState.RUNNING), snapshot=snapshot)


def orders_in(actions: tuple[Action, ...]) -> tuple[EndpointOrder, ...]:
    """What the pods are told, all of them by one action."""
    if not actions:
        return ()
    (action,) = actions
    assert isinstance(action, TellEndpoints)
    return action.orders


def told(endpoints: Endpoints | None, *pods: ObservedPod) -> tuple[EndpointOrder, ...]:
    return orders_in(decide(an_observation(*pods, begun=True, endpoints=endpoints, job=FOLLOWING), POLICY).actions)


def test_pods_that_know_the_endpoints_are_told_nothing() -> None:
    assert told(Endpoints((OLD,)), a_loading_pod(0, OLD), a_loading_pod(1, OLD)) == ()


def test_endpoints_that_were_not_read_change_nothing() -> None:
    assert told(None, a_loading_pod(0, OLD), a_loading_pod(1, OLD)) == ()


def test_endpoints_that_cannot_be_told_from_a_missing_right_change_nothing() -> None:
    assert told(Endpoints(), a_loading_pod(0, OLD), a_loading_pod(1, OLD)) == ()


def test_a_new_endpoint_is_told_to_the_first_pod_alone() -> None:
    first, second = a_loading_pod(0, OLD), a_loading_pod(1, OLD)

    assert told(Endpoints((OLD, NEW)), first, second) == (
        EndpointOrder((first,), (OLD, NEW)),
        EndpointOrder((second,), (OLD,), more=True),
    )


def test_a_new_endpoint_that_failed_its_verification_is_awaited_no_more() -> None:
    failed = structs.replace(PROOF, unverified=(NEW,))
    snapshot = a_snapshot(0, PodState.RUNNING, endpoints=endpoints_digest((OLD, NEW)), verification=failed)
    first, second = replace(a_pod(0, PodState.RUNNING), snapshot=snapshot), a_loading_pod(1)

    assert told(Endpoints((OLD, NEW)), first, second) == (EndpointOrder((second,), (OLD,)),)


def test_a_new_endpoint_that_the_first_pod_has_proven_is_told_to_the_others() -> None:
    first, second = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW)), a_loading_pod(1, OLD)

    assert told(Endpoints((OLD, NEW)), first, second) == (EndpointOrder((second,), (OLD, NEW)),)


def test_a_vanished_endpoint_is_told_to_all() -> None:
    first, second = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW)), a_loading_pod(1, OLD, NEW)

    assert told(Endpoints((NEW,)), first, second) == (
        EndpointOrder((first,), (NEW,)),
        EndpointOrder((second,), (NEW,)),
    )


def test_an_endpoint_that_is_not_ready_goes_out_of_use_while_another_is() -> None:
    pod = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW))

    assert told(Endpoints((NEW,), unready_addresses=(OLD,)), pod, a_loading_pod(1, NEW)) == (
        EndpointOrder((pod,), (NEW,)),
    )


def test_endpoints_none_of_which_is_ready_stay_in_use() -> None:
    down = Endpoints(unready_addresses=(OLD, NEW), problem=Reason.TargetHasNoEndpoints)

    assert told(down, a_loading_pod(0, OLD), a_loading_pod(1, OLD)) == ()


def test_an_endpoint_on_its_way_out_gets_nothing_new_while_another_is_ready() -> None:
    pod = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW))

    assert told(Endpoints((NEW,), draining_addresses=(OLD,)), pod, a_loading_pod(1, NEW)) == (
        EndpointOrder((pod,), (NEW,)),
    )


def test_where_no_endpoint_is_ready_those_on_their_way_out_still_serve() -> None:
    leaving = Endpoints(unready_addresses=(NEW,), draining_addresses=(OLD,), problem=Reason.TargetHasNoEndpoints)
    pod = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW))

    assert told(leaving, pod, a_loading_pod(1, OLD)) == (EndpointOrder((pod,), (OLD,)),)


def test_the_pods_are_told_since_when_it_is_known() -> None:
    first, second = a_loading_pod(0, OLD, NEW, proven=(OLD, NEW)), a_loading_pod(1, OLD, NEW)
    observation = an_observation(
        first, second, begun=True, endpoints=Endpoints((NEW,)), job=FOLLOWING, endpoints_known_at=40.0
    )

    orders = decide(observation, POLICY).actions

    assert [each.known_at for each in orders if isinstance(each, TellEndpoints)] == [40.0]


def test_what_must_not_wait_is_what_the_next_turn_would_tell() -> None:
    first, second = a_loading_pod(0, OLD), a_loading_pod(1, OLD)
    observation = an_observation(first, second, begun=True, endpoints=Endpoints((OLD, NEW)), job=FOLLOWING)

    assert urgent_orders(observation, POLICY) == decide(observation, POLICY).actions != ()


def test_what_must_not_wait_is_told_to_all_since_nobody_knows_what_they_heard_since_the_last_look() -> None:
    first, second = a_loading_pod(0, OLD), a_loading_pod(1, OLD)
    observation = an_observation(first, second, begun=True, endpoints=Endpoints((OLD,)), job=FOLLOWING)

    assert decide(observation, POLICY).actions == ()
    assert orders_in(urgent_orders(observation, POLICY)) == (
        EndpointOrder((first,), (OLD,)),
        EndpointOrder((second,), (OLD,)),
    )


def test_a_service_that_is_gone_takes_its_endpoints_with_it() -> None:
    first, second = a_loading_pod(0, OLD), a_loading_pod(1, OLD)

    assert told(Endpoints(problem=Reason.ServiceNotFound), first, second) == (
        EndpointOrder((first,), ()),
        EndpointOrder((second,), ()),
    )


def test_pods_of_a_version_that_takes_no_endpoints_are_told_nothing() -> None:
    pods = (a_loading_pod(0), a_loading_pod(1))

    assert decide(an_observation(*pods, begun=True, endpoints=Endpoints((NEW,)), job=a_job()), POLICY).actions == ()


def refused_at_the_old_one(endpoints: Endpoints | None) -> Health:
    """The health of a run whose pods moved from one address to another, at the first of which some were refused."""
    step = structs.replace(
        a_measured_step(1_000),
        errors={ErrorKind.REFUSED: 2},
        addresses={OLD: AddressCounts(sent=500, failed=2, refused=2), NEW: AddressCounts(sent=502)},
    )
    moved = structs.replace(PROOF, addresses=(OLD, NEW), vanished=(OLD,))
    snapshots = [a_snapshot(index, PodState.RUNNING, steps=(step,), verification=moved) for index in range(2)]
    pods = [replace(a_pod(index, PodState.RUNNING), snapshot=snapshot) for index, snapshot in enumerate(snapshots)]
    status = decide(an_observation(*pods, begun=True, endpoints=endpoints, job=FOLLOWING), POLICY).status
    assert status is not None
    assert status.health is not None
    return status.health


def test_connections_refused_at_an_endpoint_that_is_gone_are_no_crash() -> None:
    health = refused_at_the_old_one(Endpoints((NEW,)))

    assert health.level is HealthLevel.WARNING
    assert "at addresses that left the target meanwhile (4 refused)" in health.evidence[0]


def test_connections_refused_at_an_endpoint_that_is_on_its_way_out_are_no_crash() -> None:
    assert refused_at_the_old_one(Endpoints((NEW,), draining_addresses=(OLD,))).level is HealthLevel.WARNING


def test_connections_refused_at_an_endpoint_that_is_there_and_not_ready_are_a_crash() -> None:
    assert refused_at_the_old_one(Endpoints((NEW,), unready_addresses=(OLD,))).level is HealthLevel.CRITICAL


def test_where_the_endpoints_are_not_known_a_refused_connection_is_a_crash() -> None:
    assert refused_at_the_old_one(None).level is HealthLevel.CRITICAL
    assert refused_at_the_old_one(Endpoints()).level is HealthLevel.CRITICAL
