"""The limits that the generator itself met: notes with advice. What they did to a number, its interval says."""

from typing import Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.generator import throttling_text
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.upload_parts import merged_part
from loadtest_model.plan import Plan
from loadtest_model.quantities import seconds_text
from loadtest_model.thresholds.doubt import FULL_OFFER

MORE_POWER: Final = (
    "give the generator more CPU or a machine of its own, or share the load among more pods (spec.parallelism)"
)
FASTER_FILES: Final = (
    "give the generator more CPU or a machine of its own, share the load among more pods (spec.parallelism), or make"
    " batches smaller (spec.load.batchSize)"
)
HIGHER_LIMIT: Final = "raise spec.pod.resources.limits.cpu, or share the load among more pods (spec.parallelism)"
MORE_SOCKETS: Final = (
    "use connections again (spec.target.connections: Kept), or share the load among more pods (spec.parallelism)"
)
LONGER_GRACE: Final = "let uploads that are in flight at the end finish (spec.load.gracefulStop)"
_NOTABLE_LAG_SECONDS: Final = 0.010
_NOTABLE_LAG_SHARE: Final = 0.05
_NOTABLE_LATENESS_SECONDS: Final = 0.010
_NOTABLE_SHARE: Final = 0.05


def own_limits(plan: Plan, aggregate: Aggregate) -> tuple[str, ...]:
    """What the generator itself lacked, each with advice; empty if it lacked nothing."""
    generator = aggregate.generator
    notes = []
    if throttling := throttling_text(generator):
        notes.append(f"{throttling}; {HIGHER_LIMIT}")
    medians = [step.response.quantile_seconds(0.5) for step in aggregate.steps]
    known_medians = [value for value in medians if value is not None]
    bound = max(_NOTABLE_LAG_SECONDS, _NOTABLE_LAG_SHARE * min(known_medians, default=0.0))
    if generator.loop_lag_p99_seconds > bound:
        source = f"{_NOTABLE_LAG_SHARE:.0%} of the median response time, " if bound > _NOTABLE_LAG_SECONDS else ""
        notes.append(
            f"the generator's event loop lagged by {generator.loop_lag_p99_seconds * 1000:.0f} ms (p99, the bound is"
            f" {source}{bound * 1000:.0f} ms); {MORE_POWER}"
        )
    lateness = max((step.lateness.quantile_seconds(0.99) or 0.0 for step in aggregate.steps), default=0.0)
    if lateness > _NOTABLE_LATENESS_SECONDS:
        notes.append(
            f"uploads began {lateness * 1000:.0f} ms after they were due although virtual users were free (p99, the"
            f" bound is {_NOTABLE_LATENESS_SECONDS * 1000:.0f} ms); {MORE_POWER}"
        )
    failed_connections = sum(step.errors.get(ErrorKind.NO_SOCKET, 0) for step in aggregate.steps)
    if failed_connections:
        notes.append(
            f"the generator's own system had no socket or port for {failed_connections} connections; {MORE_SOCKETS}"
        )
    for step, step_aggregate in zip(plan.steps, aggregate.steps, strict=False):
        if step_aggregate.own.offered_share < FULL_OFFER:
            notes.append(
                f"step {step.name} offered {step_aggregate.own.offered_share:.0%} of the planned load, since the"
                f" generator was busy with itself; {advice(aggregate)}"
            )
    return tuple(notes)


def advice(aggregate: Aggregate) -> str:
    """What to do so that the generator is in doubt no more."""
    if any(step.own.unsent for step in aggregate.steps):
        return MORE_SOCKETS
    if throttling_text(aggregate.generator):
        return HIGHER_LIMIT
    return _advice_on_files(aggregate) or MORE_POWER


def _advice_on_files(aggregate: Aggregate) -> str:
    """What to do if most of the own time went into making files; empty if it did not."""
    owns = [step.own for step in aggregate.steps]
    making = merged_part([own.making for own in owns])
    response_ns = sum(step.response.sum_nanoseconds for step in aggregate.steps)
    service_own_ns = sum(own.service.sum_nanoseconds for own in owns)
    if making.mean_seconds is None or making.sum_nanoseconds <= max(service_own_ns, _NOTABLE_SHARE * response_ns):
        return ""
    return f"a file waited and was made for {seconds_text(making.mean_seconds)} on average; {FASTER_FILES}"
