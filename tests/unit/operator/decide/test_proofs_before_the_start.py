"""Before the start every proof is of the target as it is now, and younger than a minute, or made again."""

from dataclasses import replace

import pytest
from msgspec import structs

from loadtest_model.measurement.snapshot import AddressProofs, PodState
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_model.report.status import Phase
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import EndpointOrder, StartFleet, TellEndpoints
from loadtest_operator.decide.proofs import PROOF_SECONDS
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import ObservedPod
from support.operator_builders import ADDRESSES, PLAN, POLICY, START, a_job, a_pod, a_snapshot, an_observation

OLD, NEW = ADDRESSES.addresses[0], "10.0.0.6:8000"
JOB = a_job(plan=structs.replace(PLAN, command_digests={Verb.ENDPOINTS: "digest"}))
YOUNG, STALE = PROOF_SECONDS - 1.0, PROOF_SECONDS + 1.0


def a_verified_pod(index: int, age_seconds: float = YOUNG, *told: str, **proofs: object) -> ObservedPod:
    told = told or (OLD,)
    given = {"proven": told, "age_seconds": age_seconds, "longest_seconds": 1.0, **proofs}
    snapshot = a_snapshot(
        index, PodState.VERIFIED, endpoints=endpoints_digest(told), proofs=structs.replace(AddressProofs(), **given)
    )
    return replace(a_pod(index, PodState.VERIFIED), snapshot=snapshot)


def decision(*pods: ObservedPod, endpoints: Endpoints | None = ADDRESSES, recorded: bool = False) -> Decision:
    """What is decided before the load; with `recorded` its start is on record already."""
    observation = an_observation(*pods, endpoints=endpoints, job=JOB)
    if recorded:
        record = structs.replace(observation.test.record, start=START)
        observation = replace(observation, test=replace(observation.test, record=record))
    return decide(observation, POLICY)


def starts(*pods: ObservedPod, endpoints: Endpoints | None = ADDRESSES) -> bool:
    """Whether the start is recorded; and whether a start on record is carried out, which must be the same."""
    made = decision(*pods, endpoints=endpoints)
    is_recorded = made.status is not None and made.status.start is not None
    then = decision(*pods, endpoints=endpoints, recorded=True)
    assert any(isinstance(action, StartFleet) for action in then.actions) == is_recorded
    return is_recorded


def renewals(*pods: ObservedPod, endpoints: Endpoints | None = ADDRESSES) -> list[EndpointOrder]:
    made, then = (decision(*pods, endpoints=endpoints, recorded=recorded) for recorded in (False, True))
    assert made.actions == then.actions
    return [order for action in made.actions if isinstance(action, TellEndpoints) for order in action.orders]


def test_pods_with_young_proofs_of_the_present_addresses_start() -> None:
    assert starts(a_verified_pod(0), a_verified_pod(1))


def test_pods_of_an_older_version_that_say_nothing_of_their_proofs_start() -> None:
    assert starts(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED), endpoints=Endpoints((NEW,)))


def test_a_service_that_was_pointed_elsewhere_after_the_verification_is_proven_before_the_start() -> None:
    first, second = a_verified_pod(0), a_verified_pod(1)

    assert not starts(first, second, endpoints=Endpoints((NEW,)))
    assert renewals(first, second, endpoints=Endpoints((NEW,)))[0] == EndpointOrder((first,), (NEW,))


def test_the_start_waits_while_an_address_is_verified() -> None:
    assert not starts(a_verified_pod(0, pending=(NEW,)), a_verified_pod(1))
    assert not starts(a_verified_pod(0), a_verified_pod(1, pending=(NEW,)))


def test_the_start_waits_for_a_pod_without_any_proven_address() -> None:
    assert not starts(a_verified_pod(0), a_verified_pod(1, proven=()))


def test_an_address_that_was_tried_in_vain_does_not_hold_up_the_start() -> None:
    first = a_verified_pod(0, YOUNG, OLD, NEW, proven=(OLD,))

    assert starts(first, a_verified_pod(1, YOUNG, OLD), endpoints=Endpoints((OLD, NEW))) is False
    assert first.snapshot is not None
    assert first.snapshot.verification is not None
    tried = structs.replace(first.snapshot.verification, unverified=(NEW,))
    first = replace(first, snapshot=structs.replace(first.snapshot, verification=tried))
    assert starts(first, a_verified_pod(1, YOUNG, OLD), endpoints=Endpoints((OLD, NEW)))


@pytest.mark.parametrize("endpoints", [ADDRESSES, None])
def test_one_pod_makes_proofs_that_are_too_old_again_before_the_others(endpoints: Endpoints | None) -> None:
    first, second = a_verified_pod(0, STALE), a_verified_pod(1, STALE)

    assert not starts(first, second, endpoints=endpoints)
    assert renewals(first, second, endpoints=endpoints) == [
        EndpointOrder((first,), (OLD,), proof_seconds=PROOF_SECONDS)
    ]
    renewed = a_verified_pod(0, 0.0)
    assert renewals(renewed, second, endpoints=endpoints) == [
        EndpointOrder((second,), (OLD,), proof_seconds=PROOF_SECONDS)
    ]
    assert starts(renewed, a_verified_pod(1, 0.0), endpoints=endpoints)


def test_proofs_that_take_longer_than_the_bound_do_not_put_off_the_start_for_ever() -> None:
    slow = {"longest_seconds": PROOF_SECONDS}

    assert starts(a_verified_pod(0, 2 * PROOF_SECONDS - 1, **slow), a_verified_pod(1, 0.0, **slow))
    assert not starts(a_verified_pod(0, 2 * PROOF_SECONDS + 1, **slow), a_verified_pod(1, 0.0, **slow))


def test_what_the_start_waits_for_is_said() -> None:
    made = decision(a_verified_pod(0, STALE), a_verified_pod(1))

    assert made.status is not None
    assert made.status.phase is Phase.VERIFYING
    assert made.status.message == "every pod is verified; proofs older than 60 s are made again before the start"
