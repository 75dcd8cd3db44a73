"""The merged run: what all pods measured, as one."""

from collections.abc import Iterable
from itertools import zip_longest

from msgspec import structs

from loadtest_model.cause_counts import CauseSeen, merged_causes
from loadtest_model.causes import Cause
from loadtest_model.outcomes import ErrorKind
from loadtest_model.sketch import Sketch
from loadtest_model.snapshot import (
    IN_FLIGHT_AGES_KEPT,
    Counts,
    GeneratorHealth,
    Second,
    Snapshot,
    StepSnapshot,
    TargetMemory,
    Violation,
)
from loadtest_model.values import WireValue


class StepAggregate(WireValue, frozen=True, kw_only=True):
    """One step over all pods; the fields mean what they mean in `StepSnapshot`."""

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
    in_flight: int = 0
    in_flight_ages_seconds: tuple[float, ...] = ()
    finished_pods: int = 0

    def merge(self, other: "StepAggregate") -> "StepAggregate":
        ages = sorted((*self.in_flight_ages_seconds, *other.in_flight_ages_seconds), reverse=True)
        return StepAggregate(
            total=self.total.merge(other.total),
            judged=self.judged.merge(other.judged),
            errors=_added(self.errors, other.errors),
            causes=merged_causes(self.causes, other.causes),
            response=self.response.merge(other.response),
            service=self.service.merge(other.service),
            rejected_response=self.rejected_response.merge(other.rejected_response),
            seconds=_merged_seconds(self.seconds, other.seconds),
            segment_response=tuple(
                mine.merge(theirs)
                for mine, theirs in zip_longest(self.segment_response, other.segment_response, fillvalue=Sketch())
            ),
            segment_counts=tuple(
                mine.merge(theirs)
                for mine, theirs in zip_longest(self.segment_counts, other.segment_counts, fillvalue=Counts())
            ),
            in_flight=self.in_flight + other.in_flight,
            in_flight_ages_seconds=tuple(ages[:IN_FLIGHT_AGES_KEPT]),
            finished_pods=self.finished_pods + other.finished_pods,
        )


class Aggregate(WireValue, frozen=True, kw_only=True):
    """The whole run over all pods: steps in their order, and how the generators fared at worst."""

    steps: tuple[StepAggregate, ...] = ()
    pods: int = 0
    virtual_users: int = 0
    elapsed_seconds: float = 0.0
    violations: tuple[Violation, ...] = ()
    generator: GeneratorHealth = GeneratorHealth()
    target_memory: TargetMemory = TargetMemory()

    def merge(self, other: "Aggregate") -> "Aggregate":
        return Aggregate(
            steps=tuple(
                mine.merge(theirs) for mine, theirs in zip_longest(self.steps, other.steps, fillvalue=StepAggregate())
            ),
            pods=self.pods + other.pods,
            virtual_users=self.virtual_users + other.virtual_users,
            elapsed_seconds=max(self.elapsed_seconds, other.elapsed_seconds),
            violations=tuple(
                sorted((*self.violations, *other.violations), key=lambda seen: (seen.address, seen.message))
            ),
            generator=_worst(self.generator, other.generator),
            target_memory=self.target_memory.merge(other.target_memory),
        )


def absorb(previous: Snapshot | None, received: Snapshot) -> Snapshot:
    """What a reader holds of a pod after an answer that may carry only the seconds that changed.

    An answer that is not newer, or of another pod, leaves what is held as it is (of another pod it replaces it).
    """
    if previous is None or previous.pod_uid != received.pod_uid:
        return received
    if received.sequence <= previous.sequence:
        return previous
    held = {step.step: step for step in previous.steps}
    steps = tuple(_with_seconds(held.get(step.step), step) for step in received.steps)
    return structs.replace(received, steps=steps)


def merge(snapshots: Iterable[Snapshot]) -> Aggregate:
    """The aggregate of whole snapshots. Of several from one pod (index and UID) the latest counts."""
    latest: dict[tuple[int, str], Snapshot] = {}
    for snapshot in snapshots:
        key = (snapshot.pod_index, snapshot.pod_uid)
        held = latest.get(key)
        if held is None or snapshot.sequence > held.sequence:
            latest[key] = snapshot
    whole = Aggregate()
    for key in sorted(latest):
        whole = whole.merge(aggregate_of(latest[key]))
    return whole


def aggregate_of(snapshot: Snapshot) -> Aggregate:
    """One pod's snapshot as an aggregate of one."""
    by_number = {step.step: step for step in snapshot.steps}
    count = max(by_number, default=-1) + 1
    return Aggregate(
        steps=tuple(_step_of(by_number.get(number)) for number in range(count)),
        pods=1,
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


def _with_seconds(held: StepSnapshot | None, received: StepSnapshot) -> StepSnapshot:
    if held is None:
        return received
    seconds = {second.second: second for second in held.seconds}
    seconds.update((second.second, second) for second in received.seconds)
    return structs.replace(received, seconds=tuple(seconds[number] for number in sorted(seconds)))


def _merged_seconds(mine: tuple[Second, ...], theirs: tuple[Second, ...]) -> tuple[Second, ...]:
    seconds = {second.second: second for second in mine}
    for second in theirs:
        held = seconds.get(second.second)
        seconds[second.second] = second if held is None else held.merge(second)
    return tuple(seconds[number] for number in sorted(seconds))


def _added(mine: dict[ErrorKind, int], theirs: dict[ErrorKind, int]) -> dict[ErrorKind, int]:
    return {kind: mine.get(kind, 0) + theirs.get(kind, 0) for kind in sorted({*mine, *theirs})}


def _worst(mine: GeneratorHealth, theirs: GeneratorHealth) -> GeneratorHealth:
    """Memory and CPU seconds add up; of what tells saturation the worst pod speaks."""
    return GeneratorHealth(
        memory_bytes=mine.memory_bytes + theirs.memory_bytes,
        cpu_seconds=mine.cpu_seconds + theirs.cpu_seconds,
        loop_lag_p99_seconds=max(mine.loop_lag_p99_seconds, theirs.loop_lag_p99_seconds),
        max_loop_lag_seconds=max(mine.max_loop_lag_seconds, theirs.max_loop_lag_seconds),
        throttled_share=max(mine.throttled_share, theirs.throttled_share),
    )
