"""The merged run: what all pods measured, as one.

Everything is merged in one pass over all parts; merging two is merging a list of two, so that the order and the
grouping of merges never matter.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

from msgspec import structs

from loadtest_model.measurement.generator import GeneratorHealth, is_crippled, merged_health
from loadtest_model.measurement.snapshot import Snapshot, TargetMemory, Violation
from loadtest_model.measurement.spread import merged_address_counts
from loadtest_model.measurement.step import StepAggregate, merged_step
from loadtest_model.values import WireValue


class Aggregate(WireValue, frozen=True, kw_only=True):
    """The whole run over all pods: steps in their order, and how the generators fared at worst.

    `crippled_pods` counts those that were kept from the CPU so much that time-outs may be their own doing.
    """

    steps: tuple[StepAggregate, ...] = ()
    pods: int = 0
    crippled_pods: int = 0
    virtual_users: int = 0
    elapsed_seconds: float = 0.0
    violations: tuple[Violation, ...] = ()
    generator: GeneratorHealth = GeneratorHealth()
    target_memory: TargetMemory = TargetMemory()

    def merge(self, other: "Aggregate") -> "Aggregate":
        return merged_aggregate([self, other])


def with_departed_addresses(aggregate: Aggregate, departed_addresses: Collection[str]) -> Aggregate:
    """The run with separate counts of the uploads to these addresses, which are no longer the target's."""
    if not departed_addresses:
        return aggregate
    steps = []
    for step in aggregate.steps:
        departed_counts = (counts for address, counts in step.addresses.items() if address in departed_addresses)
        steps.append(structs.replace(step, gone=merged_address_counts(departed_counts)))
    return structs.replace(aggregate, steps=tuple(steps))


def merged_aggregate(parts: Sequence[Aggregate]) -> Aggregate:
    """The parts of one run as one."""
    violations = (violation for part in parts for violation in part.violations)
    memory = TargetMemory()
    for part in parts:
        if part.target_memory.points or part.target_memory.problem:
            memory = memory.merge(part.target_memory)
    return Aggregate(
        steps=tuple(
            merged_step(column) for column in zip_longest(*(part.steps for part in parts), fillvalue=StepAggregate())
        ),
        pods=sum(part.pods for part in parts),
        crippled_pods=sum(part.crippled_pods for part in parts),
        virtual_users=sum(part.virtual_users for part in parts),
        elapsed_seconds=max((part.elapsed_seconds for part in parts), default=0.0),
        violations=tuple(sorted(violations, key=lambda violation: (violation.address, violation.message))),
        generator=merged_health([part.generator for part in parts]),
        target_memory=memory,
    )


def merge_snapshots(snapshots: Iterable[Snapshot]) -> Aggregate:
    """The aggregate of whole snapshots. Of several from one pod (index and UID) the latest counts."""
    latest: dict[tuple[int, str], Snapshot] = {}
    for snapshot in snapshots:
        key = (snapshot.pod_index, snapshot.pod_uid)
        previous = latest.get(key)
        if previous is None or snapshot.sequence > previous.sequence:
            latest[key] = snapshot
    return merged_aggregate([aggregate_of(latest[key]) for key in sorted(latest)])


def aggregate_of(snapshot: Snapshot) -> Aggregate:
    """One pod's snapshot as an aggregate of one."""
    return Aggregate(
        steps=snapshot.steps,
        pods=1,
        crippled_pods=int(is_crippled(snapshot.generator)),
        virtual_users=snapshot.virtual_users,
        elapsed_seconds=snapshot.elapsed_seconds,
        violations=(snapshot.violation,) if snapshot.violation else (),
        generator=snapshot.generator,
        target_memory=snapshot.target_memory,
    )
