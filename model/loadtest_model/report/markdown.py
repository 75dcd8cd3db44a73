"""A run in a few paragraphs of Markdown, for the job summary of a pipeline or a comment on a change."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.judgement.verdict import verdict_text
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.capacity import capacity_lines
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

_MARKS: Final = {True: "held", False: "**breached**", None: "not decided"}
_MARKUP: Final = re.compile(
    r"[\\`*\[\]|~@$]"
    # An underscore within a word, an ampersand or a bracket that stands alone, and a comparison are text.
    r"|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|&(?=[#0-9A-Za-z])|<(?![ =\d])|(?<! )>|>(?![ =])|^>"
    r"|(?<=http):|(?<=https):|(?<=www)\.",
    re.IGNORECASE,
)
"""What Markdown, HTML in it, or a host of repositories gives a meaning, within a line; addresses become links."""

_ADDRESS: Final = re.compile(r"(https?://[^\s`|]*[^\s`|.,;:)\]])", re.IGNORECASE)

_MOST_REASONS: Final = 8


def summary_markdown(summary: Summary) -> str:
    """The verdict with its reasons, thresholds, figures, proof, and after a load the health.

    A target's answers in it are plain text.
    """
    blocks = [
        [f"## Load test {_plain(summary.name)}: {verdict_text(summary.verdict, summary.reason_class)}"],
        [_run_sentence(summary)],
        [f"- {_plain(reason)}" for reason in summary.reasons[:_MOST_REASONS]],
        [f"- {_plain(line)}" for line in capacity_lines(summary.capacity)] if summary.capacity else [],
        _table(("threshold", "measured", ""), [_threshold_row(result) for result in summary.thresholds]),
        _table(("", ""), list(_figures(summary))) if summary.requests.due else [],
        [f"Proof: {summary.verification.level}.{_health_sentence(summary)}"],
        [f"- {_plain(evidence)}" for evidence in summary.health.evidence] if summary.health else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _health_sentence(summary: Summary) -> str:
    """Nothing is known of the health of a target that was not loaded."""
    return f" Health: {summary.health.level}." if summary.health else ""


def _run_sentence(summary: Summary) -> str:
    run = f"Run {_plain(summary.run_id)}, scenario" if summary.run_id else "Scenario"
    began = f", begun {_plain(summary.started_at)}" if summary.started_at else ", without a load"
    target = f", target {_plain(summary.target_url)}" if summary.target_url else ""
    return f"{run} {_plain(summary.scenario)}{began}{target}."


def _threshold_row(result: ThresholdResult) -> tuple[str, ...]:
    step = f"{_plain(result.step)}: " if result.step else ""
    measured = f"{measured_text(result)}; {result.note}" if result.note else measured_text(result)
    return f"{step}{_code(result.expression)}", _plain(measured), _MARKS[result.passed]


def _figures(summary: Summary) -> Iterator[tuple[str, str]]:
    requests, times = summary.requests, summary.response_time_seconds
    yield "uploads", f"{requests.due:,} due in {span_text(summary.duration_seconds)}, {requests.accepted:,} accepted"
    if summary.error_rate is not None:
        yield "error rate", f"{summary.error_rate:.2%}"
    if times.samples:
        yield (
            "response time of the whole climb" if summary.capacity is not None else "response time",
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
    """Text in one line that no reader of Markdown takes for markup, a link or a mention. Addresses are code.

    It escapes no more than that, because many read it as it is, in the log of a pipeline.
    """
    parts = _ADDRESS.split(" ".join(text.split()))
    return "".join(_code(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _code(text: str) -> str:
    """Text as it is, in which nothing has a meaning but the end of the code and of a cell."""
    return _escaped(text) if not text or set(text) & set("`|\r\n") else f"`{text}`"


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", text)
