"""The section on what was observed of the target itself."""

from collections.abc import Iterator

from loadtest_model.pages.elements import Child, Element, element, sentence
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import definitions
from loadtest_model.quantities import bytes_text, span_text
from loadtest_model.report.summary import Summary, TargetUse


def target_section(summary: Summary) -> Element | None:
    """Memory, restarts and roll-outs of the target; None if nothing is known and nothing was looked for."""
    target = summary.target
    entries = list(_entries(target))
    note = sentence(f"Memory and CPU were not measured: {target.not_measurable}") if target.not_measurable else ""
    if not entries and not note:
        return None
    return section("target", "The target", definitions(entries) if entries else None, note=note)


def _entries(target: TargetUse) -> Iterator[tuple[str, Child]]:
    if target.memory_bytes is not None:
        yield "Memory, at most", bytes_text(target.memory_bytes)
    if target.cpu_cores is not None:
        yield "CPU, at most", f"{target.cpu_cores:.2f} cores"
    if target.restarts is not None:
        yield "Restarts", f"{target.restarts:,}"
    if target.oom_kills is not None:
        yield "Of these for lack of memory", f"{target.oom_kills:,}"
    if target.replaced_pods is not None:
        yield "Replaced pods", f"{target.replaced_pods:,}"
    if target.rolled_out is not None:
        yield "Rolled out under load", "yes" if target.rolled_out else "no"
    if target.not_ready_seconds is not None:
        seconds = target.not_ready_seconds
        yield "Fewer pods ready than at the start", f"for {span_text(seconds)}" if seconds else "never"
    if target.images:
        yield "Images", element("ul", [element("li", element("code", image)) for image in target.images])
