"""What a person sees of a LoadTest in a terminal: the live view, the plain lines, and the result.

All of it is made from the resource's JSON alone, as any other program could do.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.quantities import seconds_text
from loadtest_model.report.references import resolve
from loadtest_model.thresholds.bounds import ThresholdResult

Json = dict[str, Any]

_WARNING_MEANS = (
    "  A Warning says something about the target, and does not change the verdict."
    "\n  This one often says only that the machine is small: where target, generator and cluster share it, as they do"
    "\n  in a local demo, its processors are busy before the load is at its highest. Answers then come later, without"
    "\n  more records a second."
)
_SIGNS_OF_A_SMALL_MACHINE = ("response time rises", "throughput at")

_COLOURS = {"Passed": "green", "Failed": "red", "Inconclusive": "yellow"}


def live_view(test: Json, elapsed_seconds: float) -> RenderableType:
    """The view that is drawn again and again while a test runs."""
    status, progress = _status(test), _progress(test)
    head = Text.assemble(
        (f"LoadTest {test['metadata']['name']}  ", "bold"),
        (status.get("phase", ""), "bold cyan"),
        f"  {_message(status)}",
        (f"  {elapsed_seconds:.0f} s", "dim"),
    )
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=100, completed=progress.get("percent", 0.0), width=50), _progress_text(progress))
    figures = Table.grid(padding=(0, 3))
    figures.add_row(*(Text.assemble((f"{name} ", "dim"), value) for name, value in _figures(test)))
    return Group(head, bar, figures)


def plain_line(test: Json) -> str:
    """The same in one line, for a log: the figures of a load, and before it what is waited for."""
    status, progress = _status(test), _progress(test)
    phase = f"{status.get('phase', ''):<10}"
    if not progress:
        return f"{phase} {_message(status)}".rstrip()
    figures = "  ".join(f"{name} {value}" for name, value in _figures(test))
    return f"{phase} {progress.get('percent', 0.0):3.0f}%  {figures}"


def _progress_text(progress: Json) -> str:
    if not progress:
        return ""
    return f"{progress['elapsedSeconds']:.0f} of {progress['totalSeconds']:.0f} s, step {progress['step']}"


def _figures(test: Json) -> Iterator[tuple[str, str]]:
    progress, pods = _progress(test), _status(test).get("pods") or {}
    p95 = progress.get("p95Seconds")
    yield "pods", f"{pods.get('running', 0)}/{pods.get('desired', test['spec'].get('parallelism', 1))}"
    yield "verified", str(pods.get("verified", 0))
    yield "VUs", str(progress.get("virtualUsers", 0))
    yield "records/s", f"{progress.get('recordsPerSecond', 0):,.0f}"
    yield "records", f"{progress.get('recordsConfirmed', 0):,}"
    yield "p95", seconds_text(p95)
    yield "errors", str(progress.get("errors", 0))


def result_view(test: Json, rows_before: int | None, rows_after: int | None) -> RenderableType:
    """The end of a test: verdict and reasons, thresholds beside what was measured, and what the target stores."""
    status = _status(test)
    verdict = status.get("verdict", "none")
    parts: list[RenderableType] = [
        Text.assemble("Verdict: ", (verdict, f"bold {_COLOURS.get(verdict, 'white')}")),
        *(Text(f"  - {resolve(reason, status.get('message', ''))}") for reason in status.get("reasons", ())),
    ]
    if thresholds := status.get("thresholds"):
        parts.append(_threshold_table(thresholds))
    parts.extend(Text(line) for line in _facts(test))
    if rows_before is not None and rows_after is not None:
        same = rows_before == rows_after
        text = f"Rows in the target's database: {rows_before:,} before, {rows_after:,} after"
        parts.append(Text(text, style="" if same else "bold red"))
    return Group(*parts)


def _threshold_table(thresholds: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("threshold", "measured", "", "note"):
        table.add_column(column)
    for item in thresholds:
        passed = item.get("passed")
        mark = (
            Text("no sample", "yellow")
            if passed is None
            else Text("ok", "green")
            if passed
            else Text("breached", "red")
        )
        result = ThresholdResult(expression=item["expression"], value=item.get("value"), passed=passed)
        step = f"{item['step']}: " if item.get("step") else ""
        table.add_row(step + item["expression"], measured_text(result), mark, item.get("note", ""))
    return table


def _facts(test: Json) -> Iterator[str]:
    status = _status(test)
    health, summary = status.get("health"), status.get("summary")
    if health:
        evidence = [resolve(text, status.get("message", "")) for text in health.get("evidence", ())]
        yield f"Health: {health['level']}" + "".join(f"\n  - {text}" for text in evidence)
        if health["level"] == "Warning" and any(
            sign in text for sign in _SIGNS_OF_A_SMALL_MACHINE for text in evidence
        ):
            yield _WARNING_MEANS
    if summary:
        requests, records = summary["requests"], summary["records"]
        yield (
            f"Uploads: {requests['sent']:,} sent = {requests['accepted']:,} accepted"
            f" + {requests['rejected']:,} rejected"
            f" + {requests['unknown']:,} unknown + {requests['violation']:,} violation"
        )
        yield (
            f"Records: {records['confirmed']:,} confirmed of {records['sent']:,} sent,"
            f" {summary['throughput']['recordsPerSecond']:,.0f} a second"
        )
    if proof := status.get("verification"):
        yield f"Proof: {proof['level']}; the verification sent {proof['uploads']} uploads with {proof['rows']:,} rows"
        if proof.get("notice"):
            yield f"  but {proof['notice']}"
    start = status.get("start") or {}
    if start.get("skewSeconds") is not None:
        yield f"Start: all pods within {start['skewSeconds'] * 1000:.0f} ms"
    if results := status.get("results"):
        yield f"Results: ConfigMap {test['metadata']['namespace']}/{results['configMap']}"


def _message(status: Json) -> str:
    # What the API server says by default is for who waits in vain; here the operator is known to be at work.
    return "the operator has not looked yet" if status.get("observedGeneration") == -1 else status.get("message", "")


def _status(test: Json) -> Json:
    status: Json = test.get("status") or {}
    return status


def _progress(test: Json) -> Json:
    progress: Json = _status(test).get("progress") or {}
    return progress
