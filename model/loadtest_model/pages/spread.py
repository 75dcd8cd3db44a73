"""The section on how the load was spread: the pods of the fleet and the addresses of the target, side by side.

A generator that is alone is called that: it may run on a laptop, which has no pods.
"""

from collections.abc import Mapping
from typing import Final

from loadtest_model.measurement.spread import AddressCounts, merged_spread
from loadtest_model.pages.elements import Element, element
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import Column, table
from loadtest_model.quantities import bytes_text, seconds_text
from loadtest_model.report.details import PodSummary
from loadtest_model.report.summary import Summary

_GENERATOR_COLUMNS: Final = (
    *map(Column, ("uploads", "errors", "records/s", "avg", "p95", "max", "loop lag", "CPU", "memory")),
)
_ADDRESS_COLUMNS: Final = (
    Column("address", is_text=True, is_code=True),
    *map(Column, ("uploads", "accepted", "failed")),
)
_REASON_COLUMNS: Final = {
    "refused": "refused",
    "unanswered": "unanswered",
    "cut": "cut",
    "stale": "stale",
    "rerouted": "rerouted",
}


def spread_section(summary: Summary) -> Element | None:
    """Generators and addresses; None if nothing is known of either."""
    addresses = merged_spread(step.addresses for step in summary.steps)
    tables = [
        _generators_table(summary) if summary.pods else None,
        _addresses_table(addresses) if addresses else None,
    ]
    if not any(each is not None for each in tables):
        return None
    title = "Pods and addresses" if has_fleet(summary) else "Generator and addresses"
    return section("spread", title, element("div", tables, class_="beside"))


def has_fleet(summary: Summary) -> bool:
    """Whether more than one generator loaded the target."""
    return sum(pod.pods for pod in summary.pods) > 1


def _generators_table(summary: Summary) -> Element:
    pods = summary.pods
    if not has_fleet(summary):
        return table("The generator", _GENERATOR_COLUMNS, [_generator_row(pod) for pod in pods])
    rows = [(f"{pod.pods:,} others" if pod.pods > 1 else f"pod {pod.index}", *_generator_row(pod)) for pod in pods]
    return table("Pods of the fleet", (Column("pod", is_text=True), *_GENERATOR_COLUMNS), rows)


def _generator_row(pod: PodSummary) -> tuple[str, ...]:
    return (
        f"{pod.sent:,}",
        f"{pod.errors:,}",
        f"{pod.records_per_second:,.0f}",
        seconds_text(pod.avg),
        seconds_text(pod.p95),
        seconds_text(pod.max),
        seconds_text(pod.max_loop_lag_seconds),
        f"{pod.cpu_seconds:,.1f} s",
        bytes_text(pod.memory_bytes),
    )


def _addresses_table(addresses: Mapping[str, AddressCounts]) -> Element:
    """The addresses with the reasons of their failures, of which only those that occurred have a column."""
    reasons = [name for name in _REASON_COLUMNS if any(getattr(counts, name) for counts in addresses.values())]
    rows = [
        (
            address,
            f"{counts.sent:,}",
            f"{counts.accepted:,}",
            f"{counts.failed:,}",
            *(f"{getattr(counts, name):,}" for name in reasons),
        )
        for address, counts in addresses.items()
    ]
    columns = (*_ADDRESS_COLUMNS, *(Column(_REASON_COLUMNS[name]) for name in reasons))
    return table("Addresses of the target", columns, rows)
