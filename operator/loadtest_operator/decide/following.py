"""From the Job to the last upload: the pods follow the target's addresses, and one of them verifies new ones first."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_operator.decide.actions import Action, EndpointOrder, TellEndpoints
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import Observation, ObservedPod

_MOST_SHARED: Final = 64
"""The most addresses of a name that one pod is told of because others have found them."""

_FOLLOWING_STATES: Final = (
    PodState.WAITING,
    PodState.VERIFYING,
    PodState.VERIFIED,
    PodState.ARMED,
    PodState.RUNNING,
)


def endpoint_orders(observation: Observation, fleet: Fleet, *, to_all: bool = False) -> tuple[Action, ...]:
    """Tell the pods what they do not know yet of the target's addresses; or tell all of them anyway.

    A new address goes to one pod alone until that has proven it, so that one that ignores the header is met by one pod.
    """
    orders = address_orders(observation, fleet)
    needed_orders = tuple(order for each in orders if (order := each if to_all else _restrict_to_uninformed(each)).pods)
    return (TellEndpoints(needed_orders, observation.endpoints_known_at),) if needed_orders else ()


def address_orders(observation: Observation, fleet: Fleet) -> tuple[EndpointOrder, ...]:
    """What each pod is to know of the target's addresses now; nothing for those that know all there is."""
    first = fleet.first_prover
    if first is None or first.snapshot is None or Verb.ENDPOINTS not in fleet.plan.command_digests:
        return ()
    if fleet.plan.target.addresses:
        orders = _orders_behind_service(observation.endpoints, fleet, first)
    elif first.snapshot.proofs is not None and first.snapshot.proofs.by_name:
        orders = _orders_behind_name(fleet, first)
    else:
        orders = ()
    return tuple(order for order in orders if order.pods)


def uninformed_pods(orders: Collection[EndpointOrder]) -> frozenset[str]:
    """The UIDs of the pods that, by their last answers, have not heard what they are to know."""
    return frozenset(pod.uid for order in orders for pod in _restrict_to_uninformed(order).pods)


def without_departed(observation: Observation) -> Observation:
    """The look without proofs of addresses that are no longer the target's: one that comes back is a new one."""
    current = observation.endpoints
    if current is None:
        return observation
    there = {*current.addresses, *current.draining_addresses, *current.unready_addresses}
    return replace(observation, pods=tuple(_restrict_proofs(pod, there) for pod in observation.pods))


def proven_addresses(pod: ObservedPod | None) -> tuple[str, ...]:
    """The addresses that a pod has proven and uses; a pod of an older version says only what it ever proved."""
    if pod is None or pod.snapshot is None:
        return ()
    if pod.snapshot.proofs is not None:
        return pod.snapshot.proofs.proven
    return pod.snapshot.verification.addresses if pod.snapshot.verification is not None else ()


def _orders_behind_service(
    current: Endpoints | None, fleet: Fleet, first: ObservedPod
) -> tuple[EndpointOrder, EndpointOrder] | tuple[()]:
    if current is None or not (current.addresses or current.problem):
        return ()
    report = first.snapshot.verification if first.snapshot is not None else None
    addresses = _addresses_in_use(current, frozenset(report.addresses if report is not None else ()))
    proven = frozenset(proven_addresses(first))
    settled_addresses = proven.union(report.unverified if report is not None else ())
    more = any(address not in settled_addresses for address in addresses)
    pods = tuple(_following_pods(fleet))
    # Before the first proof the others do nothing that they would need an address for.
    others = tuple(pod for pod in pods if pod is not first and _is_past_verification(first))
    return (
        EndpointOrder(tuple(pod for pod in pods if pod is first), addresses),
        EndpointOrder(others, tuple(address for address in addresses if address in proven), more),
    )


def _orders_behind_name(fleet: Fleet, first: ObservedPod) -> tuple[EndpointOrder, EndpointOrder]:
    """Each pod resolves the name itself: one is told what the others have found, and they what it has proven."""
    pods = tuple(_following_pods(fleet))
    others = tuple(pod for pod in pods if pod is not first)
    proofs = [pod.snapshot.proofs for pod in others if pod.snapshot is not None and pod.snapshot.proofs is not None]
    other_addresses = {address for each in proofs for address in (*each.proven, *each.pending, *each.awaited)}
    proven = proven_addresses(first)
    return (
        EndpointOrder(
            tuple(pod for pod in pods if pod is first), tuple(sorted(other_addresses))[:_MOST_SHARED], goes_first=True
        ),
        EndpointOrder(others if proven and _is_past_verification(first) else (), tuple(sorted(proven))),
    )


def _is_past_verification(pod: ObservedPod) -> bool:
    return pod.state not in (PodState.WAITING, PodState.VERIFYING)


def _following_pods(fleet: Fleet) -> Iterator[ObservedPod]:
    """The pods that can be told: those of an older version follow addresses only under load, and only a Service's."""
    for pod in fleet.in_state(*_FOLLOWING_STATES):
        is_old = pod.snapshot is None or pod.snapshot.proofs is None
        if not is_old or pod.state is PodState.RUNNING:
            yield pod


def _addresses_in_use(current: Endpoints, proven: frozenset[str]) -> tuple[str, ...]:
    """The ready endpoints; where none is ready, the proven ones that still serve, or that are there all the same.

    A Service sends nobody to an endpoint that is on its way out while another is ready. Nor does it to one that is not
    ready, but while all are it refuses everybody, and so it must show: a target that went down has not vanished.
    """
    draining = tuple(address for address in current.draining_addresses if address in proven)
    return current.addresses or draining or tuple(address for address in current.unready_addresses if address in proven)


def _restrict_to_uninformed(order: EndpointOrder) -> EndpointOrder:
    """The order to those pods alone that, by their last answers, were told something else."""
    digest = endpoints_digest(order.addresses, more=order.more, goes_first=order.goes_first)
    ignorant = (pod for pod in order.pods if pod.snapshot is not None and pod.snapshot.endpoints != digest)
    return replace(order, pods=tuple(ignorant))


def _restrict_proofs(pod: ObservedPod, there: Collection[str]) -> ObservedPod:
    if pod.snapshot is None or pod.snapshot.proofs is None:
        return pod
    proofs = structs.replace(
        pod.snapshot.proofs, proven=tuple(address for address in pod.snapshot.proofs.proven if address in there)
    )
    return replace(pod, snapshot=structs.replace(pod.snapshot, proofs=proofs))
