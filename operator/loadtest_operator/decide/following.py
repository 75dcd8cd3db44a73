"""While the load runs: the pods follow the endpoints behind the target's Service."""

from dataclasses import replace

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_operator.decide.actions import Action, EndpointOrder, TellEndpoints
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import Observation


def endpoint_orders(observation: Observation, fleet: Fleet, *, to_all: bool = False) -> tuple[Action, ...]:
    """Tell the pods what they do not know yet of the endpoints as they were just read; or tell all of them anyway.

    A new address goes to pod 0 alone until it has proven it, so that one that ignores the header is met by one pod.
    """
    current = observation.endpoints
    if current is None or not _takes_endpoints(fleet) or not (current.addresses or current.problem):
        return ()
    first = fleet.by_index.get(0)
    report = first.snapshot.verification if first is not None and first.snapshot is not None else None
    proven = frozenset(report.addresses if report is not None else ())
    addresses = _addresses_in_use(current, proven)
    proven_addresses = tuple(address for address in addresses if address in proven)
    settled_addresses = proven.union(report.unverified if report is not None else ())
    more = any(address not in settled_addresses for address in addresses)
    loading = fleet.in_state(PodState.RUNNING)
    orders = (
        EndpointOrder(tuple(pod for pod in loading if pod.index == 0), addresses),
        EndpointOrder(tuple(pod for pod in loading if pod.index != 0), proven_addresses, more),
    )
    needed_orders = tuple(order for each in orders if (order := each if to_all else _restrict_to_uninformed(each)).pods)
    return (TellEndpoints(needed_orders, observation.endpoints_known_at),) if needed_orders else ()


def _takes_endpoints(fleet: Fleet) -> bool:
    """Whether the pods were given addresses, and take others: those of an older version do not know how."""
    return bool(fleet.plan.target.addresses) and Verb.ENDPOINTS in fleet.plan.command_digests


def _addresses_in_use(current: Endpoints, proven: frozenset[str]) -> tuple[str, ...]:
    """The ready endpoints; where none is ready, the proven ones that still serve, or that are there all the same.

    A Service sends nobody to an endpoint that is on its way out while another is ready. Nor does it to one that is not
    ready, but while all are it refuses everybody, and so it must show: a target that went down has not vanished.
    """
    draining = tuple(address for address in current.draining_addresses if address in proven)
    return current.addresses or draining or tuple(address for address in current.unready_addresses if address in proven)


def _restrict_to_uninformed(order: EndpointOrder) -> EndpointOrder:
    """The order to those pods alone that, by their last answers, were told something else."""
    digest = endpoints_digest(order.addresses, more=order.more)
    ignorant = (pod for pod in order.pods if pod.snapshot is not None and pod.snapshot.endpoints != digest)
    return replace(order, pods=tuple(ignorant))
