"""A run in a few paragraphs of Markdown, for the job summary of a pipeline or a comment on a change."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.capacity import capacity_lines
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

_MARKS: Final = {True: "held", False: "**breached**", None: "not decided"}
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>|~&@$]|(?<=http):|(?<=https):|(?<=www)\.")
"""What Markdown, HTML in it, or a host of repositories gives a meaning, within a line; addresses become links."""

_MOST_REASONS: Final = 8


def summary_markdown(summary: Summary) -> str:
    """The verdict with its reasons, thresholds, figures, proof and health. A target's answers in it are plain text."""
    blocks = [
        [f"## Load test {_plain(summary.name)}: {summary.verdict}"],
        [_run_sentence(summary)],
        [f"- {_plain(reason)}" for reason in summary.reasons[:_MOST_REASONS]],
        [f"- {_plain(line)}" for line in capacity_lines(summary.capacity)] if summary.capacity else [],
        _table(("threshold", "measured", ""), [_threshold_row(result) for result in summary.thresholds]),
        _table(("", ""), list(_figures(summary))) if summary.requests.due else [],
        [f"Proof: {summary.verification.level}. Health: {summary.health.level}."],
        [f"- {_plain(evidence)}" for evidence in summary.health.evidence],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _run_sentence(summary: Summary) -> str:
    run = f"Run {_plain(summary.run_id)}, scenario" if summary.run_id else "Scenario"
    began = f", begun {_plain(summary.started_at)}" if summary.started_at else ", without a load"
    target = f", target {_plain(summary.target_url)}" if summary.target_url else ""
    return f"{run} {_plain(summary.scenario)}{began}{target}."


def _threshold_row(result: ThresholdResult) -> tuple[str, ...]:
    step = f"{result.step}: " if result.step else ""
    return _plain(f"{step}{result.expression}"), _plain(measured_text(result)), _MARKS[result.passed]


def _figures(summary: Summary) -> Iterator[tuple[str, str]]:
    requests, times = summary.requests, summary.response_time_seconds
    yield "uploads", f"{requests.due:,} due in {span_text(summary.duration_seconds)}, {requests.accepted:,} accepted"
    if summary.error_rate is not None:
        yield "error rate", f"{summary.error_rate:.2%}"
    if times.samples:
        yield (
            "response time",
            f"average {seconds_text(times.avg)}, p95 {seconds_text(times.p95)}, longest {seconds_text(times.max)}",
        )
    yield (
        "records",
        f"{summary.records.confirmed:,} confirmed, {summary.throughput.records_per_second:,.0f} a second",
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    return [_row(heads), f"|{'---|' * len(heads)}", *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text in one line that no reader of Markdown takes for markup, a link or a mention."""
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", " ".join(text.split()))
