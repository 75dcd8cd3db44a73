"""What the pods are told of the target's addresses, from the Job to the end of the load."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import AddressProofs, PodState
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_model.reasons import Reason
from loadtest_operator.decide import decide, urgent_orders, without_departed
from loadtest_operator.decide.actions import Action, EndpointOrder, TellEndpoints, Verify
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
FOLLOWING_PLAN = structs.replace(PLAN, command_digests={Verb.ENDPOINTS: "digest"})
FOLLOWING = a_job(plan=FOLLOWING_PLAN)


def a_loading_pod(index: int, *told: str, proven: tuple[str, ...] = (OLD,)) -> ObservedPod:
    """A pod that was told these addresses last."""
    snapshot = a_snapshot(
        index,
        PodState.RUNNING,
        endpoints=endpoints_digest(told),
        verification=structs.replace(PROOF, addresses=proven),
    )
    return replace(a_pod(index, PodState.RUNNING), snapshot=snapshot)


def a_proving_pod(
    index: int,
    state: PodState = PodState.RUNNING,
    *told: str,
    proofs: AddressProofs | None = None,
    more: bool = False,
    first: bool = False,
) -> ObservedPod:
    """A pod that says how its proofs stand, and that was told these addresses last."""
    snapshot = a_snapshot(
        index,
        state,
        endpoints=endpoints_digest(told, more=more, goes_first=first),
        proofs=proofs or AddressProofs(proven=told),
    )
    return replace(a_pod(index, state), snapshot=snapshot)


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


WAITING, VERIFIED, RUNNING = PodState.WAITING, PodState.VERIFIED, PodState.RUNNING


@pytest.mark.parametrize("state", [WAITING, PodState.VERIFYING, VERIFIED])
def test_the_first_pod_is_told_of_new_endpoints_also_before_the_load(state: PodState) -> None:
    first, second = a_proving_pod(0, state, OLD), a_proving_pod(1, WAITING, OLD)
    observation = an_observation(first, second, endpoints=Endpoints((NEW,)), job=FOLLOWING)

    orders = [
        order
        for each in decide(observation, POLICY).actions
        if isinstance(each, TellEndpoints)
        for order in each.orders
    ]

    assert orders[0] == EndpointOrder((first,), (NEW,))


def test_before_the_first_proof_the_other_pods_are_told_nothing() -> None:
    first, second = a_proving_pod(0, WAITING, OLD), a_proving_pod(1, WAITING, OLD)
    observation = an_observation(first, second, endpoints=Endpoints((NEW,)), job=FOLLOWING)

    (order,) = orders_in(urgent_orders(observation, POLICY))

    assert order.pods == (first,)


def test_pods_of_an_older_version_are_told_of_endpoints_only_under_load() -> None:
    pods = [replace(a_pod(index, VERIFIED), snapshot=a_snapshot(index, VERIFIED)) for index in range(2)]

    assert urgent_orders(an_observation(*pods, endpoints=Endpoints((NEW,)), job=FOLLOWING), POLICY) == ()


def test_once_the_first_pod_is_done_the_next_one_that_loads_verifies_new_endpoints() -> None:
    done = replace(a_pod(0, PodState.DONE), snapshot=a_snapshot(0, PodState.DONE, endpoints=endpoints_digest((OLD,))))
    second, third = a_proving_pod(1, RUNNING, OLD), a_proving_pod(2, RUNNING, OLD)

    assert told(Endpoints((OLD, NEW)), done, second, third) == (
        EndpointOrder((second,), (OLD, NEW)),
        EndpointOrder((third,), (OLD,), more=True),
    )


def test_a_first_pod_that_does_not_answer_for_a_moment_stays_the_first() -> None:
    first, second = a_proving_pod(0, RUNNING, OLD), a_proving_pod(1, RUNNING, OLD)
    silent = replace(first, is_reachable=False, silent_seconds=3.0)

    assert told(Endpoints((OLD, NEW)), silent, second) == (EndpointOrder((second,), (OLD,), more=True),)


def test_an_endpoint_that_was_proven_and_left_is_told_to_the_first_pod_alone_when_it_comes_back() -> None:
    ever = structs.replace(PROOF, addresses=(OLD, NEW), vanished=(NEW,))
    first, second = a_proving_pod(0, RUNNING, OLD), a_proving_pod(1, RUNNING, OLD)
    assert first.snapshot is not None
    first = replace(first, snapshot=structs.replace(first.snapshot, verification=ever))

    assert told(Endpoints((OLD, NEW)), first, second) == (
        EndpointOrder((first,), (OLD, NEW)),
        EndpointOrder((second,), (OLD,), more=True),
    )


def test_a_proof_is_forgotten_with_the_endpoint_so_that_one_that_comes_back_between_two_looks_is_new() -> None:
    first, second = a_proving_pod(0, RUNNING, OLD, NEW), a_proving_pod(1, RUNNING, OLD, NEW)
    observation = an_observation(first, second, begun=True, endpoints=Endpoints((OLD,)), job=FOLLOWING)

    back = replace(without_departed(observation), endpoints=Endpoints((OLD, NEW)))

    assert [order.addresses for order in orders_in(urgent_orders(back, POLICY))] == [(OLD, NEW), (OLD,)]


def by_name(*proven: str, **fields: Any) -> AddressProofs:
    return AddressProofs(proven=proven, by_name=True, **fields)


NAMED = a_job(plan=structs.replace(FOLLOWING_PLAN, target=structs.replace(PLAN.target, addresses=())))


def told_behind_name(*pods: ObservedPod) -> tuple[EndpointOrder, ...]:
    return orders_in(decide(an_observation(*pods, begun=True, job=NAMED), POLICY).actions)


def test_behind_a_name_the_first_pod_is_told_what_others_have_found_and_they_what_it_has_proven() -> None:
    first = a_proving_pod(0, RUNNING, first=True, proofs=by_name(OLD))
    second = a_proving_pod(1, RUNNING, proofs=by_name(OLD, awaited=(NEW,)))

    assert told_behind_name(first, second) == (
        EndpointOrder((first,), (OLD, NEW), goes_first=True),
        EndpointOrder((second,), (OLD,)),
    )


def test_behind_a_name_pods_that_know_all_there_is_are_told_nothing() -> None:
    first = a_proving_pod(0, RUNNING, OLD, first=True, proofs=by_name(OLD))
    second = a_proving_pod(1, RUNNING, OLD, proofs=by_name(OLD))

    assert told_behind_name(first, second) == ()


def test_behind_a_name_the_next_pod_that_loads_goes_first_once_the_first_is_done() -> None:
    done = a_pod(0, PodState.DONE)
    second = a_proving_pod(1, RUNNING, OLD, proofs=by_name(OLD))
    third = a_proving_pod(2, RUNNING, OLD, proofs=by_name(OLD))

    assert told_behind_name(done, second, third) == (EndpointOrder((second,), (OLD,), goes_first=True),)


def test_behind_a_name_a_pod_verifies_only_once_it_has_heard_what_is_proven() -> None:
    first = a_proving_pod(0, VERIFIED, first=True, proofs=by_name(OLD))
    uninformed = a_proving_pod(1, WAITING, proofs=AddressProofs(by_name=True))
    informed = a_proving_pod(1, WAITING, OLD, proofs=AddressProofs(by_name=True))

    def verified(pod: ObservedPod) -> list[Verify]:
        actions = decide(an_observation(first, pod, job=NAMED), POLICY).actions
        return [action for action in actions if isinstance(action, Verify)]

    assert verified(uninformed) == []
    assert verified(informed) == [Verify((informed,))]
