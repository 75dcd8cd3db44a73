"""The page of all tests: each with its line of state, those at work first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.pages.elements import Child, Element, element, sentence
from loadtest_model.pages.icons import HEALTH_TONES, VERDICT_TONES, Tone, stated
from loadtest_model.pages.live.view import LiveView, parts_of
from loadtest_model.pages.sections import section
from loadtest_model.quantities import clip, count_text, seconds_text, span_text
from loadtest_model.report.status import Phase

MOST_LINES: Final = 500
"""How many tests are shown; of those that have ended the newest."""

LONGEST_MESSAGE: Final = 240


@dataclass(frozen=True, kw_only=True)
class ListedTest:
    """A test in a line. `since` is when it was made, its load began or it ended, whichever was last.

    `share` is how much of the load is over, from 0 to 1; None without a load. `target` is its URL.
    """

    uid: str
    namespace: str
    name: str
    since: datetime
    phase: Phase | None = None
    reason: str = ""
    message: str = ""
    scenario: str = ""
    target: str = ""
    verdict: Verdict | None = None
    health: HealthLevel | None = None
    share: float | None = None
    records_per_second: float | None = None
    p95_seconds: float | None = None
    errors: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.phase is Phase.COMPLETED

    @property
    def is_waiting(self) -> bool:
        return self.phase is None or self.phase is Phase.QUEUED


def overview(lines: Sequence[ListedTest], now: datetime, where: str, notices: Sequence[str] = ()) -> LiveView:
    """All tests at an instant. `where` says which namespaces these are, `notices` what a reader must know of the page.

    What is shown of time is coarse, so that a line changes only with its test or once a minute.
    """
    newest_first = sorted(lines, key=lambda line: (line.since, line.uid), reverse=True)
    working = [line for line in newest_first if not (line.has_ended or line.is_waiting)]
    waiting = [line for line in newest_first if line.is_waiting]
    ended = [line for line in newest_first if line.has_ended]
    room = MOST_LINES
    parts: list[Element | None] = [_title(len(working), len(waiting), len(ended), where, notices)]
    for name, title, group in (
        ("working", "At work", working),
        ("waiting", "Waiting", waiting),
        ("ended", "Ended", ended),
    ):
        parts.append(_group(name, title, group, room, now) if group else None)
        room = max(0, room - len(group))
    tone = Tone.BUSY if working else Tone.QUIET
    title = f"{count_text(len(working), 'load test')} at work" if working else "Load tests"
    return LiveView(title, tone, parts_of(parts))


def _title(working: int, waiting: int, ended: int, where: str, notices: Sequence[str]) -> Element:
    counts = f"{working:,} at work, {waiting:,} waiting, {ended:,} ended"
    return element(
        "section",
        element("h1", "Load tests", class_="title"),
        element("p", f"{where}: {counts}." if working + waiting + ended else f"{where}: no test yet.", class_="counts"),
        element("ul", [element("li", sentence(notice)) for notice in notices], class_="remarks notices")
        if notices
        else None,
        id="tests",
        aria_label="Load tests",
    )


def _group(name: str, title: str, lines: Sequence[ListedTest], room: int, now: datetime) -> Element:
    note = f"The newest {room:,} of {len(lines):,} are shown." if len(lines) > room else ""
    return section(name, title, element("ul", [_line(line, now) for line in lines[:room]], class_="tests"), note=note)


def _line(line: ListedTest, now: datetime) -> Element:
    address = f"tests/{quote(line.namespace, safe='')}/{quote(line.name, safe='')}"
    return element(
        "li",
        element("h3", element("a", line.name, href=address), element("span", line.namespace, class_="where")),
        element("div", stated(*_state(line)), element("span", _about(line), class_="about"), class_="state"),
        element("div", _progress(line), class_="done"),
        element("dl", list(_figures(line))),
        element("time", f"{_age_text(line, now)}", class_="age", datetime=line.since.isoformat()),
        element("p", sentence(clip(line.message, LONGEST_MESSAGE)), class_="message") if _needs_message(line) else None,
        id=f"test-{line.uid}",
    )


def _state(line: ListedTest) -> tuple[Tone, str]:
    if line.verdict is not None and line.has_ended:
        return VERDICT_TONES[line.verdict], str(line.verdict)
    if line.is_waiting:
        return Tone.QUIET, str(line.phase or "Not looked at yet")
    return Tone.BUSY, str(line.phase)


def _about(line: ListedTest) -> str:
    word = line.reason if line.reason not in {str(line.phase), str(line.verdict or "")} else ""
    return ", ".join(text for text in (line.scenario, word) if text)


def _progress(line: ListedTest) -> Iterator[Child]:
    if line.share is None or line.has_ended:
        return
    yield element("progress", max=100, value=round(100 * line.share, 1), aria_label=f"Share of the load of {line.name}")
    yield element("span", f"{line.share:.0%}")


def _figures(line: ListedTest) -> Iterator[Element]:
    if line.records_per_second is None:
        return
    entries: list[tuple[str, Child]] = [
        ("records/s", f"{line.records_per_second:,.0f}"),
        ("p95", seconds_text(line.p95_seconds)),
        ("errors", f"{line.errors or 0:,}"),
    ]
    if line.health is not None and line.health is not HealthLevel.GOOD:
        entries.append(("health", stated(HEALTH_TONES[line.health], str(line.health))))
    for name, value in entries:
        yield element("div", element("dt", name), element("dd", value))


def _needs_message(line: ListedTest) -> bool:
    """Whether the message says more than the state: not of a load that runs or a test that passed."""
    return bool(line.message) and line.phase is not Phase.RUNNING and line.verdict is not Verdict.PASSED


def _age_text(line: ListedTest, now: datetime) -> str:
    seconds = (now - line.since).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 86_400:
        return f"{span_text(seconds // 60 * 60)} ago"
    return f"{count_text(int(seconds // 86_400), 'day')} ago"
