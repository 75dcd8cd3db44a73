"""Two runs side by side as lines."""

from collections.abc import Iterator

from loadgen.screen.closing import coloured_verdict, threshold_mark
from loadgen.screen.styling import visible_length
from loadgen.screen.tables import GAP
from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.report.comparison import compared_figures, compared_thresholds, obstacles
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

Row = tuple[str, str, str, str, str]


def comparison_lines(names: tuple[str, str], runs: tuple[Summary, Summary], *, in_colour: bool = False) -> list[str]:
    """The table, and below it what makes the two incomparable."""
    rows: list[Row] = [("", *names, "difference", "within"), *_rows(*runs, in_colour=in_colour)]
    if not any(row[4] for row in rows[1:]):
        rows[0] = (*rows[0][:4], "")
    widths = [max(visible_length(row[column]) for row in rows) for column in range(5)]
    lines = []
    for label, *fields in rows:
        cells = (" " * (width - visible_length(field)) + field for field, width in zip(fields, widths[1:], strict=True))
        lines.append(GAP.join((f"{label:<{widths[0]}}", *cells)).rstrip())
    return [*lines, *(f"- {text}" for text in obstacles(*runs))]


def _rows(first: Summary, second: Summary, *, in_colour: bool) -> Iterator[Row]:
    verdicts = [coloured_verdict(each.verdict, each.reason_class, in_colour=in_colour) for each in (first, second)]
    yield "verdict", verdicts[0], verdicts[1], "", ""
    for figure in compared_figures(first, second):
        yield figure.name, figure.first, figure.second, figure.difference, figure.interval
    for threshold in compared_thresholds(first, second):
        cells = [_threshold(each, in_colour=in_colour) for each in (threshold.first, threshold.second)]
        yield threshold.name, cells[0], cells[1], "", ""


def _threshold(result: ThresholdResult | None, *, in_colour: bool) -> str:
    return "-" if result is None else f"{measured_text(result)} {threshold_mark(result, in_colour=in_colour)}"
