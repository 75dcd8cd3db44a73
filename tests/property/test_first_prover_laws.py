"""Whatever comes and goes behind a target, an address that was never proven is met by one pod at a time."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.snapshot import AddressProofs, PodState
from loadtest_model.protocol.commands import Verb, endpoints_digest
from loadtest_operator.decide import decide, urgent_orders, without_departed
from loadtest_operator.decide.actions import Action, TellEndpoints
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import Observation, ObservedPod
from support.operator_builders import PLAN, POLICY, PROOF, a_job, a_pod, a_snapshot, an_observation

PODS = 4
ADDRESSES = [f"10.0.0.{number}:8000" for number in range(1, 5)]
OLD = frozenset(ADDRESSES[:1])
EVENTS = st.lists(
    st.tuples(st.just("move"), st.frozensets(st.sampled_from(ADDRESSES), min_size=1))
    | st.tuples(st.just("prove"), st.integers(0, PODS - 1))
    | st.tuples(st.just("finish"), st.integers(0, PODS - 2))
    | st.tuples(st.just("look"), st.none()),
    max_size=40,
)


@dataclass
class SimulatedPod:
    """What a pod of the fleet knows: the addresses there are, those it may verify, and those it has proven."""

    index: int
    by_name: bool
    goes_first: bool
    current: frozenset[str] = OLD
    permitted: frozenset[str] = OLD
    proven: frozenset[str] = OLD
    digest: str = ""
    is_done: bool = False

    @property
    def verifying(self) -> frozenset[str]:
        """The addresses that it sends a canary to now."""
        if self.is_done:
            return frozenset()
        permitted = self.current if self.goes_first or not self.by_name else self.permitted
        return (self.current & permitted) - self.proven

    def observed(self) -> ObservedPod:
        state = PodState.DONE if self.is_done else PodState.RUNNING
        proofs = AddressProofs(
            proven=tuple(sorted(self.proven)),
            pending=tuple(sorted(self.verifying)),
            awaited=tuple(sorted(self.current - self.proven - self.verifying)),
            by_name=self.by_name,
        )
        snapshot = a_snapshot(
            self.index,
            state,
            endpoints=self.digest,
            proofs=None if self.is_done else proofs,
            verification=structs.replace(PROOF, addresses=tuple(sorted(self.proven))),
        )
        return replace(a_pod(self.index, state), snapshot=snapshot)


@dataclass
class SimulatedRun:
    """A fleet under load, and the operator that tells it of a target's addresses."""

    by_name: bool
    pods: list[SimulatedPod] = field(default_factory=list)
    current: frozenset[str] = OLD
    last_look: Observation | None = None

    def __post_init__(self) -> None:
        for index in range(PODS):
            goes_first = self.by_name and index == 0
            told = () if goes_first else tuple(OLD)
            digest = endpoints_digest(told, goes_first=goes_first)
            self.pods.append(SimulatedPod(index, self.by_name, goes_first, digest=digest))

    def look(self) -> None:
        plan = structs.replace(PLAN, parallelism=PODS, command_digests={Verb.ENDPOINTS: "digest"})
        if self.by_name:
            plan = structs.replace(plan, target=structs.replace(plan.target, addresses=()))
        pods = [pod.observed() for pod in self.pods]
        endpoints = None if self.by_name else Endpoints(tuple(sorted(self.current)))
        self.last_look = an_observation(*pods, begun=True, endpoints=endpoints, job=a_job(plan=plan))
        self._tell(decide(self.last_look, POLICY).actions)

    def move(self, addresses: frozenset[str]) -> None:
        """Other addresses: behind a Service the operator pushes them, behind a name each pod resolves them."""
        self.current = addresses
        if self.by_name:
            for pod in self.pods:
                self._give(pod, addresses)
        elif self.last_look is not None:
            seen_now = replace(self.last_look, endpoints=Endpoints(tuple(sorted(addresses))))
            self.last_look = without_departed(seen_now)
            self._tell(urgent_orders(self.last_look, POLICY))

    def _give(self, pod: SimulatedPod, addresses: frozenset[str]) -> None:
        if self.by_name and not pod.goes_first and pod.permitted & (pod.current - addresses):
            pod.digest = ""
        if self.by_name:
            pod.permitted -= pod.current - addresses
        pod.current = addresses
        pod.proven &= addresses

    def _tell(self, actions: tuple[Action, ...]) -> None:
        orders = [order for action in actions if isinstance(action, TellEndpoints) for order in action.orders]
        for order in orders:
            for told in order.pods:
                pod = self.pods[told.index]
                if pod.is_done:
                    continue
                pod.digest = endpoints_digest(order.addresses, more=order.more, goes_first=order.goes_first)
                pod.goes_first = order.goes_first
                pod.permitted = frozenset(order.addresses)
                if not self.by_name:
                    self._give(pod, pod.permitted)


@given(st.booleans(), EVENTS)
def test_an_address_that_no_pod_has_proven_is_verified_by_one_pod_alone(
    by_name: bool, events: list[tuple[str, frozenset[str] | int | None]]
) -> None:
    run = SimulatedRun(by_name)
    run.look()
    for name, subject in events:
        if name == "move" and isinstance(subject, frozenset):
            run.move(subject)
        elif name == "prove" and isinstance(subject, int):
            run.pods[subject].proven |= run.pods[subject].verifying
        elif name == "finish" and isinstance(subject, int) and not run.pods[subject].verifying:
            run.pods[subject].is_done = True
        elif name == "look":
            run.look()

        proven_somewhere = frozenset[str]().union(*(pod.proven for pod in run.pods))
        for address in run.current - proven_somewhere:
            assert sum(address in pod.verifying for pod in run.pods) <= 1


@given(st.booleans(), EVENTS)
def test_after_a_few_looks_every_pod_that_loads_has_proven_every_address(
    by_name: bool, events: list[tuple[str, frozenset[str] | int | None]]
) -> None:
    run = SimulatedRun(by_name)
    run.look()
    for name, subject in events:
        if name == "move" and isinstance(subject, frozenset):
            run.move(subject)
        elif name == "finish" and isinstance(subject, int):
            run.pods[subject].is_done = True

    for _ in range(4):
        run.look()
        for pod in run.pods:
            pod.proven |= pod.verifying

    assert all(pod.proven == run.current for pod in run.pods if not pod.is_done)
