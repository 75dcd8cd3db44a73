"""The merged run: what all pods measured, as one.

Everything is merged in one pass over all parts; merging two is merging a list of two, so that the order and the
grouping of merges never matter.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

from msgspec import structs

from loadtest_model.measurement.cause_counts import CauseSeen, merged_causes
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch, merged_sketch
from loadtest_model.measurement.snapshot import (
    IN_FLIGHT_AGES_KEPT,
    Counts,
    GeneratorHealth,
    Second,
    Snapshot,
    StepSnapshot,
    TargetMemory,
    Violation,
    merged_counts,
)
from loadtest_model.measurement.spread import AddressCounts, merged_address_counts, merged_spread
from loadtest_model.measurement.throttling import is_crippled
from loadtest_model.measurement.upload_parts import Parts, merged_parts
from loadtest_model.values import WireValue


class StepAggregate(WireValue, frozen=True, kw_only=True):
    """One step over all pods; the fields mean what they mean in `StepSnapshot`, `load_seconds` is the longest.

    `gone` counts the uploads to addresses that are no longer the target's, see `with_gone`.
    """

    total: Counts = Counts()
    judged: Counts = Counts()
    errors: dict[ErrorKind, int] = {}
    causes: dict[Cause, CauseSeen] = {}
    response: Sketch = Sketch()
    service: Sketch = Sketch()
    rejected_response: Sketch = Sketch()
    seconds: tuple[Second, ...] = ()
    segment_response: tuple[Sketch, ...] = ()
    segment_counts: tuple[Counts, ...] = ()
    parts: Parts = Parts()
    addresses: dict[str, AddressCounts] = {}
    lateness: Sketch = Sketch()
    vu_limit_reached: int = 0
    load_seconds: float = 0.0
    in_flight: int = 0
    in_flight_ages_seconds: tuple[float, ...] = ()
    finished_pods: int = 0
    gone: AddressCounts = AddressCounts()

    def merge(self, other: "StepAggregate") -> "StepAggregate":
        return merged_step([self, other])


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


def merged_step(parts: Sequence[StepAggregate]) -> StepAggregate:
    """The parts of one step as one."""
    ages = sorted((age for part in parts for age in part.in_flight_ages_seconds), reverse=True)
    causes: dict[Cause, CauseSeen] = {}
    for part in parts:
        if part.causes:
            causes = merged_causes(causes, part.causes)
    return StepAggregate(
        total=merged_counts([part.total for part in parts]),
        judged=merged_counts([part.judged for part in parts]),
        errors=_added(part.errors for part in parts),
        causes=causes,
        response=merged_sketch([part.response for part in parts]),
        service=merged_sketch([part.service for part in parts]),
        rejected_response=merged_sketch([part.rejected_response for part in parts]),
        seconds=merged_seconds([part.seconds for part in parts]),
        segment_response=tuple(
            merged_sketch(column)
            for column in zip_longest(*(part.segment_response for part in parts), fillvalue=Sketch())
        ),
        segment_counts=tuple(
            merged_counts(column)
            for column in zip_longest(*(part.segment_counts for part in parts), fillvalue=Counts())
        ),
        parts=merged_parts([part.parts for part in parts]),
        addresses=merged_spread(part.addresses for part in parts),
        lateness=merged_sketch([part.lateness for part in parts]),
        vu_limit_reached=sum(part.vu_limit_reached for part in parts),
        load_seconds=max((part.load_seconds for part in parts), default=0.0),
        in_flight=sum(part.in_flight for part in parts),
        in_flight_ages_seconds=tuple(ages[:IN_FLIGHT_AGES_KEPT]),
        finished_pods=sum(part.finished_pods for part in parts),
        gone=merged_address_counts(part.gone for part in parts),
    )


def with_gone(aggregate: Aggregate, gone: Collection[str]) -> Aggregate:
    """The run with the uploads to these addresses told apart: they are no longer the target's."""
    if not gone:
        return aggregate
    steps = []
    for step in aggregate.steps:
        left = (counts for address, counts in step.addresses.items() if address in gone)
        steps.append(structs.replace(step, gone=merged_address_counts(left)))
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
        violations=tuple(sorted(violations, key=lambda seen: (seen.address, seen.message))),
        generator=_worst([part.generator for part in parts]),
        target_memory=memory,
    )


def merge(snapshots: Iterable[Snapshot]) -> Aggregate:
    """The aggregate of whole snapshots. Of several from one pod (index and UID) the latest counts."""
    latest: dict[tuple[int, str], Snapshot] = {}
    for snapshot in snapshots:
        key = (snapshot.pod_index, snapshot.pod_uid)
        held = latest.get(key)
        if held is None or snapshot.sequence > held.sequence:
            latest[key] = snapshot
    return merged_aggregate([aggregate_of(latest[key]) for key in sorted(latest)])


def aggregate_of(snapshot: Snapshot) -> Aggregate:
    """One pod's snapshot as an aggregate of one."""
    by_number = {step.step: step for step in snapshot.steps}
    count = max(by_number, default=-1) + 1
    return Aggregate(
        steps=tuple(_step_of(by_number.get(number)) for number in range(count)),
        pods=1,
        crippled_pods=int(is_crippled(snapshot.generator)),
        virtual_users=snapshot.virtual_users,
        elapsed_seconds=snapshot.elapsed_seconds,
        violations=(snapshot.violation,) if snapshot.violation else (),
        generator=snapshot.generator,
        target_memory=snapshot.target_memory,
    )


def _step_of(step: StepSnapshot | None) -> StepAggregate:
    if step is None:
        return StepAggregate()
    shared = set(StepAggregate.__struct_fields__) & set(step.__struct_fields__)
    return StepAggregate(finished_pods=int(step.finished), **{name: getattr(step, name) for name in shared})


def merged_seconds(parts: Iterable[tuple[Second, ...]]) -> tuple[Second, ...]:
    """The seconds of several parts, those of one number as one, in their order."""
    by_number: dict[int, list[Second]] = {}
    for seconds in parts:
        for second in seconds:
            held = by_number.get(second.second)
            if held is None:
                by_number[second.second] = [second]
            else:
                held.append(second)
    return tuple(_one_second(number, same) for number, same in sorted(by_number.items()))


def _one_second(number: int, same: list[Second]) -> Second:
    if len(same) == 1:
        return same[0]
    columns = dict(zip(Second.__struct_fields__, zip(*map(structs.astuple, same), strict=True), strict=True))
    del columns["second"]
    counts = merged_counts(columns.pop("counts"))
    return Second(second=number, counts=counts, **{name: sum(column) for name, column in columns.items()})


def _added(parts: Iterable[dict[ErrorKind, int]]) -> dict[ErrorKind, int]:
    added: dict[ErrorKind, int] = {}
    for part in parts:
        for kind, count in part.items():
            added[kind] = added.get(kind, 0) + count
    return {kind: added[kind] for kind in sorted(added)}


def _worst(parts: Sequence[GeneratorHealth]) -> GeneratorHealth:
    """Memory and CPU seconds add up; of what tells saturation the worst pod speaks."""
    return GeneratorHealth(
        memory_bytes=sum(part.memory_bytes for part in parts),
        cpu_seconds=sum(part.cpu_seconds for part in parts),
        loop_lag_p99_seconds=max((part.loop_lag_p99_seconds for part in parts), default=0.0),
        max_loop_lag_seconds=max((part.max_loop_lag_seconds for part in parts), default=0.0),
        throttled_share=max((part.throttled_share for part in parts), default=0.0, key=_doubt),
        cpu_limit_cores=min((part.cpu_limit_cores for part in parts if part.cpu_limit_cores), default=None),
    )


def _doubt(throttled_share: float | None) -> tuple[bool, float]:
    """Ranks shares of time: one that is not known is worse than none at all, and better than any that was measured."""
    return throttled_share != 0.0, throttled_share or 0.0
