"""The story of a test on one screen: where it stands, what it waits for, what came of it, and its last Events."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.ending import ending_lines, proof_lines, threshold_lines
from kubectl_loadtest.views.live import PATIENCE_SECONDS, message_of, notice_of, plain_line
from kubectl_loadtest.views.style import Style, labelled
from loadgen.screen.closing import closing_text
from loadgen.screen.opening import MAX_STAGES
from loadgen.screen.tables import labelled_table
from loadtest_model.quantities import clip, count_text, span_text
from loadtest_model.report.summary import Summary
from loadtest_model.secrecy import public_url

Json = dict[str, Any]

EVENTS_SHOWN: Final = 6
MESSAGE_SHOWN: Final = 44
"""So many characters of an Event's message fit beside the rest on a line of 80."""


def describe_lines(test: LoadTest, events: Sequence[Json], style: Style, now: datetime | None = None) -> list[str]:
    """The story of a test."""
    now = now or datetime.now(UTC)
    return [
        *_identity(test),
        *(ending_lines(test, style) if test.is_completed else _standing(test, style)),
        *_events(events, now),
    ]


def describe_run_lines(summary: Summary, metadata: Json, style: Style) -> list[str]:
    """The story of a run as its results tell it."""
    began = f", began {summary.started_at}" if summary.started_at else ""
    return [
        labelled("Test", f"{metadata['namespace']}/{summary.name}, run {summary.run_id}, scenario {summary.scenario}"),
        labelled("Target", summary.target_url),
        labelled("Times", f"written {metadata['creationTimestamp']}{began}"),
        *closing_text(summary, words={}, in_colour=style.in_colour).splitlines(),
        labelled("Results", f"ConfigMap {metadata['namespace']}/{metadata['name']}"),
    ]


def _identity(test: LoadTest) -> Iterator[str]:
    yield labelled("Test", f"{test.namespace}/{test.name}, run {test.run_id}, scenario {test.spec.get('scenario')}")
    yield labelled("Target", public_url(str((test.spec.get("target") or {}).get("url", ""))))
    plan = test.status.get("plan") or {}
    if plan and test.is_observed:
        pods = count_text(plan["parallelism"], "pod")
        for number, step in enumerate(plan["steps"][:MAX_STAGES]):
            rows, users = count_text(step["batchSize"], "record"), count_text(step["virtualUsers"], "virtual user")
            yield labelled(
                "" if number else "Load",
                f"{step['name']}: {rows} a batch, {users} in {pods}, {span_text(step['durationSeconds'])}",
            )
    times = [
        f"{word} {test.status[name]}"
        for name, word in (("startedAt", "began"), ("completedAt", "ended"))
        if name in test.status
    ]
    if times and test.is_observed:
        yield labelled("Times", ", ".join(times))


def _standing(test: LoadTest, style: Style) -> Iterator[str]:
    """Where a test stands that has not ended."""
    # Whoever asks for a description has waited long enough to be told of a missing operator.
    yield labelled("Phase", plain_line(test, PATIENCE_SECONDS).rstrip())
    if test.is_observed and test.status.get("start") and not notice_of(test):
        yield labelled("", message_of(test, PATIENCE_SECONDS))
    reason = test.status.get("reason")
    if test.is_observed and reason:
        yield labelled("Reason", str(reason))
        if test.advice:
            yield labelled("To do", test.advice)
    if test.is_observed:
        yield from threshold_lines(test, style)
        yield from proof_lines(test)


def _events(events: Sequence[Json], now: datetime) -> Iterator[str]:
    last = sorted(events, key=_order_of)[-EVENTS_SHOWN:]
    rows = [
        (
            f"{span_text(max(0, int((now - _time_of(event)).total_seconds())))} ago",
            str(event.get("type", "")),
            str(event.get("reason", "")),
            clip(" ".join(str(event.get("message", "")).split()), MESSAGE_SHOWN),
        )
        for event in last
    ]
    if rows:
        yield from labelled_table("Events", rows)


def _order_of(event: Json) -> tuple[datetime, int]:
    """By time, and of the Events of one second by the order in which they were written."""
    version = str(event["metadata"].get("resourceVersion", ""))
    return _time_of(event), int(version) if version.isdecimal() else 0


def _time_of(event: Json) -> datetime:
    text = event.get("eventTime") or event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(text)
