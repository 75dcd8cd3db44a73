"""Whether the generator itself was the limit: what a run measured then says nothing of the target."""

from typing import Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.throttling import throttling_text
from loadtest_model.plan import Plan

SATURATED_LAG_SECONDS: Final = 0.010
SATURATED_LAG_SHARE: Final = 0.05
SATURATED_LATENESS_SECONDS: Final = 0.010


def saturation(plan: Plan, aggregate: Aggregate) -> tuple[str, ...]:
    """Why the generator itself may have bounded what was measured; empty where it did not."""
    generator = aggregate.generator
    found = []
    if throttled := throttling_text(generator):
        found.append(
            f"{throttled}; raise spec.pod.resources.limits.cpu, or share the load among more pods (spec.parallelism)"
        )
    medians = [step.response.quantile_seconds(0.5) for step in aggregate.steps]
    known = [value for value in medians if value is not None]
    bound = max(SATURATED_LAG_SECONDS, SATURATED_LAG_SHARE * min(known, default=0.0))
    if generator.loop_lag_p99_seconds > bound:
        found.append(
            f"the generator's event loop lagged by {generator.loop_lag_p99_seconds * 1000:.0f} ms (p99, the bound is"
            f" {bound * 1000:.0f} ms); give it more CPU or a machine of its own, or share the load among more pods"
            " (spec.parallelism)"
        )
    lateness = max((step.lateness.quantile_seconds(0.99) or 0.0 for step in aggregate.steps), default=0.0)
    if lateness > SATURATED_LATENESS_SECONDS:
        found.append(
            f"uploads began {lateness * 1000:.0f} ms after they were due although virtual users were free (p99, the"
            f" bound is {SATURATED_LATENESS_SECONDS * 1000:.0f} ms); give the generator more CPU, or share the load"
            " among more pods (spec.parallelism)"
        )
    unopened = sum(step.errors.get(ErrorKind.NO_SOCKET, 0) for step in aggregate.steps)
    if unopened:
        found.append(
            f"the generator's own system had no socket or port for {unopened} connections; use connections again"
            " (spec.target.connections: Kept), or share the load among more pods (spec.parallelism)"
        )
    return tuple(found)
