"""Two runs side by side, figure by figure, with the difference of the second to the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.comparing import FEWEST_BLOCKS
from loadtest_model.baseline.resampling import average_of, change_between
from loadtest_model.baseline.traits import difference_text
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.thresholds.metrics import METRICS

TIMES: Final = ("avg", "p50", "p90", "p95", "p99", "max")


@dataclass(frozen=True)
class ComparedFigure:
    """A figure of two runs, each as people read it.

    `difference` may be empty. `interval` says between which values the difference lies, chance taken into account;
    empty if that is not known.
    """

    name: str
    first: str
    second: str
    difference: str = ""
    interval: str = ""


@dataclass(frozen=True)
class ComparedThreshold:
    """A threshold of two runs; None of a run that does not have it."""

    name: str
    first: ThresholdResult | None
    second: ThresholdResult | None


def compared_figures(first: Summary, second: Summary) -> Iterator[ComparedFigure]:
    """What was measured in both runs."""
    yield ComparedFigure("health", _health(first), _health(second))
    yield ComparedFigure("proof", str(first.verification.level), str(second.verification.level))
    yield ComparedFigure("duration", span_text(first.duration_seconds), span_text(second.duration_seconds))
    yield _count("uploads due", first.requests.due, second.requests.due)
    yield _count("accepted", first.requests.accepted, second.requests.accepted)
    error_rates = ["-" if each.error_rate is None else f"{each.error_rate:.2%}" for each in (first, second)]
    points = _points(first.error_rate, second.error_rate)
    yield ComparedFigure("error rate", error_rates[0], error_rates[1], points, _interval("error_rate", first, second))
    yield _count("records confirmed", first.records.confirmed, second.records.confirmed)
    rates = (first.throughput.records_per_second, second.throughput.records_per_second)
    yield _count("records/s", *rates, _interval("records_per_second", first, second))
    for name in TIMES:
        before, after = (getattr(each.response_time_seconds, name) for each in (first, second))
        interval = _interval(name, first, second) if METRICS[name].block_average else ""
        difference = _relative(before, after)
        yield ComparedFigure(f"response {name}", seconds_text(before), seconds_text(after), difference, interval)


def compared_thresholds(first: Summary, second: Summary) -> Iterator[ComparedThreshold]:
    """The thresholds that either run has, in their order."""
    results = [
        {
            f"{result.step}: {result.expression}" if result.step else result.expression: result
            for result in each.thresholds
        }
        for each in (first, second)
    ]
    for name in dict.fromkeys([*results[0], *results[1]]):
        yield ComparedThreshold(name, results[0].get(name), results[1].get(name))


def obstacles(first: Summary, second: Summary) -> Iterator[str]:
    """What keeps the figures from being compared: another load, another target, a run without a load."""
    if first.scenario != second.scenario:
        yield f"the scenarios differ: {first.scenario} and {second.scenario}"
    elif first.traits and second.traits:
        if difference := difference_text(second.traits, first.traits):
            yield f"the tests differ: {difference}"
    else:
        yield from _different_steps(first, second)
    for name, run in (("first", first), ("second", second)):
        if not run.requests.due:
            yield f"the {name} run loaded nothing ({run.reason_class})"


def _health(run: Summary) -> str:
    """The target's health. Without a load there is nothing to judge it by."""
    return str(run.health.level) if run.health else "-"


def _different_steps(first: Summary, second: Summary) -> Iterator[str]:
    """How loads differ of runs that an earlier version recorded."""
    for step, other in zip_longest(first.steps, second.steps):
        if step is None or other is None:
            yield f"the runs have {len(first.steps)} and {len(second.steps)} steps"
            break
        loads = [_load(each.batch_size, each.virtual_users, each.load_seconds) for each in (step, other)]
        if (step.batch_size, step.virtual_users) != (other.batch_size, other.virtual_users):
            yield f"step {step.name} differs: {loads[0]}, and {loads[1]}"


def _load(batch_size: int, virtual_users: int, seconds: float) -> str:
    return f"{virtual_users} VUs with batches of {batch_size:,} for {span_text(seconds)}"


def _count(name: str, first: float, second: float, interval: str = "") -> ComparedFigure:
    return ComparedFigure(name, f"{first:,.0f}", f"{second:,.0f}", _relative(first, second), interval)


def _relative(first: float | None, second: float | None) -> str:
    if first is None or second is None or not first:
        return ""
    return f"{second / first - 1:+.1%}"


def _points(first: float | None, second: float | None) -> str:
    return "" if first is None or second is None else f"{(second - first) * 100:+.2f} points"


def _interval(metric: str, first: Summary, second: Summary) -> str:
    """Between which values a difference lies, by the blocks of runs of one step."""
    blocks = [_blocks(each) for each in (first, second)]
    figures = [each.figures.get(metric, ()) if each else () for each in blocks]
    is_share, kind = METRICS[metric].unit == "ratio", METRICS[metric].block_average or "median"
    if min(map(len, figures)) < FEWEST_BLOCKS or (not is_share and average_of(figures[0], kind) <= 0):
        return ""
    low, high = change_between(figures[1], [figures[0]], kind, is_share=is_share).change_range
    return f"{low * 100:+.2f} to {high * 100:+.2f}" if is_share else f"{low:+.1%} to {high:+.1%}"


def _blocks(run: Summary) -> StepBlocks | None:
    return run.steps[0].blocks if len(run.steps) == 1 else None
