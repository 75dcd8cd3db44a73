"""Two runs side by side, figure by figure, with the difference of the second to the first."""

from collections.abc import Iterator
from itertools import zip_longest

from kubectl_loadtest.views.style import Style
from loadgen.screen.styling import visible_length
from loadgen.screen.tables import GAP
from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

Row = tuple[str, str, str, str]


def comparison_lines(names: tuple[str, str], runs: tuple[Summary, Summary], style: Style) -> list[str]:
    """The table, and below it what makes the two incomparable."""
    rows: list[Row] = [("", *names, "difference"), *_rows(*runs, style)]
    widths = [max(visible_length(row[column]) for row in rows) for column in range(4)]
    lines = []
    for label, *fields in rows:
        cells = (" " * (width - visible_length(field)) + field for field, width in zip(fields, widths[1:], strict=True))
        lines.append(GAP.join((f"{label:<{widths[0]}}", *cells)).rstrip())
    return [*lines, *(f"- {text}" for text in _differences(*runs))]


def _rows(first: Summary, second: Summary, style: Style) -> Iterator[Row]:
    yield "verdict", style.verdict(first.verdict), style.verdict(second.verdict), ""
    yield "health", _health(first, style), _health(second, style), ""
    yield "proof", str(first.verification.level), str(second.verification.level), ""
    yield _texts("duration", span_text(first.duration_seconds), span_text(second.duration_seconds))
    yield _count("uploads due", first.requests.due, second.requests.due)
    yield _count("accepted", first.requests.accepted, second.requests.accepted)
    yield _share("error rate", first.error_rate, second.error_rate)
    yield _count("records confirmed", first.records.confirmed, second.records.confirmed)
    yield _count("records/s", first.throughput.records_per_second, second.throughput.records_per_second)
    times = (first.response_time_seconds, second.response_time_seconds)
    for name in ("avg", "p50", "p90", "p95", "p99", "max"):
        before, after = (getattr(each, name) for each in times)
        yield f"response {name}", seconds_text(before), seconds_text(after), _relative(before, after)
    yield from _thresholds(first, second, style)


def _health(run: Summary, style: Style) -> str:
    """Without a load there is nothing to judge the target's health by."""
    return style.health(str(run.health.level)) if run.requests.due else "-"


def _thresholds(first: Summary, second: Summary, style: Style) -> Iterator[Row]:
    results = [
        {
            f"{result.step}: {result.expression}" if result.step else result.expression: result
            for result in each.thresholds
        }
        for each in (first, second)
    ]
    for name in dict.fromkeys([*results[0], *results[1]]):
        before, after = (_threshold(each.get(name), style) for each in results)
        yield name, before, after, ""


def _threshold(result: ThresholdResult | None, style: Style) -> str:
    if result is None:
        return "-"
    return f"{measured_text(result)} {style.threshold(result)}"


def _texts(name: str, first: str, second: str) -> Row:
    return name, first, second, ""


def _count(name: str, first: float, second: float) -> Row:
    return name, f"{first:,.0f}", f"{second:,.0f}", _relative(first, second)


def _share(name: str, first: float | None, second: float | None) -> Row:
    before, after = ("-" if value is None else f"{value:.2%}" for value in (first, second))
    points = "" if first is None or second is None else f"{(second - first) * 100:+.2f} points"
    return name, before, after, points


def _relative(first: float | None, second: float | None) -> str:
    if first is None or second is None or not first:
        return ""
    return f"{second / first - 1:+.1%}"


def _differences(first: Summary, second: Summary) -> Iterator[str]:
    """What keeps the figures from being compared: another scenario, other steps, a run without a load."""
    if first.scenario != second.scenario:
        yield f"the scenarios differ: {first.scenario} and {second.scenario}"
    for step, other in zip_longest(first.steps, second.steps):
        if step is None or other is None:
            yield f"the runs have {len(first.steps)} and {len(second.steps)} steps"
            break
        loads = [_load(each.batch_size, each.virtual_users, each.load_seconds) for each in (step, other)]
        if (step.batch_size, step.virtual_users) != (other.batch_size, other.virtual_users):
            yield f"step {step.name} differs: {loads[0]}, and {loads[1]}"
    for name, run in (("first", first), ("second", second)):
        if not run.requests.due:
            yield f"the {name} run loaded nothing ({run.reason_class})"


def _load(batch_size: int, virtual_users: int, seconds: float) -> str:
    return f"{virtual_users} VUs with batches of {batch_size:,} for {span_text(seconds)}"
