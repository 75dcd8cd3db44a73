"""Before the start: whether every proof is of the target as it is now, and young; if not, it is made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadtest_model.measurement.snapshot import AddressProofs
from loadtest_operator.decide.actions import Action, EndpointOrder, TellEndpoints
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.following import address_orders, endpoint_orders, uninformed_pods
from loadtest_operator.facts.observation import Observation

PROOF_SECONDS: Final = 60.0
"""The age from which on a proof is made again before the start."""


@dataclass(frozen=True)
class ProofGap:
    """What the start waits for, and what the pods are to be told because of it."""

    message: str
    actions: tuple[Action, ...] = ()


def find_proof_gap(observation: Observation, fleet: Fleet) -> ProofGap | None:
    """What keeps verified pods from starting; None if all proofs are of the present addresses and young.

    One pod makes its proofs again first, so that an address that has stopped honouring the header is met by one pod.
    Pods of an older version say nothing of their proofs, and are not waited for.
    """
    proofs = {pod.index: pod.snapshot.proofs for pod in fleet.pods if pod.snapshot and pod.snapshot.proofs}
    if not proofs:
        return None
    actions = endpoint_orders(observation, fleet)
    orders = address_orders(observation, fleet)
    if uninformed_pods(orders):
        return ProofGap("the target's addresses have changed; they are verified before the start", actions)
    if any(each.pending for each in proofs.values()):
        return ProofGap("addresses of the target are verified again before the start", actions)
    if not all(each.proven for each in proofs.values()):
        return ProofGap("not every pod has an address of the target that is proven; the start waits for one", actions)
    old_indexes = _pods_with_old_proofs(proofs)
    if not old_indexes:
        return None
    first = fleet.first_prover
    renewing_indexes = {first.index} if first is not None and first.index in old_indexes else old_indexes
    renewal = TellEndpoints(_renewals(fleet, proofs, orders, renewing_indexes), observation.endpoints_known_at)
    return ProofGap(f"proofs older than {PROOF_SECONDS:g} s are made again before the start", (renewal,))


def _pods_with_old_proofs(proofs: Mapping[int, AddressProofs]) -> set[int]:
    """The pods of which a proof is older than the bound; if proofs take longer than that, than two of the longest."""
    bound_seconds = max(PROOF_SECONDS, 2.0 * max(each.longest_seconds for each in proofs.values()))
    return {index for index, each in proofs.items() if each.age_seconds > bound_seconds}


def _renewals(
    fleet: Fleet, proofs: Mapping[int, AddressProofs], orders: Sequence[EndpointOrder], indexes: set[int]
) -> tuple[EndpointOrder, ...]:
    """What these pods have heard already, with the request to make their proofs again.

    If nothing is told of addresses, because there is but one or they cannot be read, each pod keeps its own.
    """
    renewals = [
        replace(order, pods=tuple(pod for pod in order.pods if pod.index in indexes), proof_seconds=PROOF_SECONDS)
        for order in orders
    ]
    told_indexes = {pod.index for order in renewals for pod in order.pods}
    renewals += [
        EndpointOrder((fleet.by_index[index],), proofs[index].proven, proof_seconds=PROOF_SECONDS)
        for index in sorted(indexes - told_indexes)
    ]
    return tuple(order for order in renewals if order.pods)
