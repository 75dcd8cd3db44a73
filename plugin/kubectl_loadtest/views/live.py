"""A test while it runs: the block of a terminal, and the line of a log."""

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.style import Style
from loadgen.screen.styling import BOLD, paint
from loadgen.screen.view import bar_text
from loadtest_model.quantities import seconds_text, span_text
from loadtest_model.report.status import LOAD_RUNS

Json = dict[str, Any]

PATIENCE_SECONDS: Final = 15.0
"""How long an operator may take to look at a test, with another replica taking over."""

_MESSAGE_LINES: Final = 3


def live_lines(test: LoadTest, elapsed_seconds: float, style: Style, trouble: str = "") -> list[str]:
    """The block that is drawn again and again. `trouble` says why the test cannot be read at the moment."""
    width = (style.columns or 80) - 1
    head = (
        f"{paint(f'{test.namespace}/{test.name}', BOLD, style.in_colour)}  {style.phase(phase_of(test))}"
        f"  {style.quiet(span_text(int(elapsed_seconds)))}"
    )
    progress = _progress(test)
    lines = [head]
    if progress:
        bar = bar_text(progress["percent"] / 100, unicode=style.has_unicode)
        lines.append(f"{bar} {progress['percent']:3.0f}%  {_place(test, progress)}")
        lines += _figure_lines(test, style, width)
        lines += _wrapped(notice_of(test), width)
    else:
        lines += _wrapped(message_of(test, elapsed_seconds), width)
    if trouble:
        lines += [style.doubtful(line) for line in textwrap.wrap(trouble, width, max_lines=2, placeholder=" ...")]
    return lines


def plain_line(test: LoadTest, elapsed_seconds: float) -> str:
    """The same in one line: the figures of a load, or what is waited for before and after it. Of an end its report
    tells."""
    progress = _progress(test)
    phase = f"{phase_of(test):<10}"
    if test.is_completed and not progress:
        return phase.rstrip()
    if not progress:
        return f"{phase} {message_of(test, elapsed_seconds)}".rstrip()
    text = notice_of(test) or "  ".join(f"{name} {value}" for name, value in _figures(test))
    return f"{phase} {progress['percent']:3.0f}%  {text}"


def notice_of(test: LoadTest) -> str:
    """What holds a load that has begun, such as the read-back; empty while it runs and when the test has ended."""
    return "" if not _progress(test) or test.is_completed or test.message == LOAD_RUNS else test.message


def phase_of(test: LoadTest) -> str:
    """Where a test stands. The status of an earlier run says nothing of this one."""
    return test.phase if test.is_observed else "Queued"


def message_of(test: LoadTest, elapsed_seconds: float) -> str:
    """What a test waits for. That no operator may be there is said when one would have looked."""
    if test.is_observed:
        return test.message
    if elapsed_seconds < PATIENCE_SECONDS or test.status.get("observedGeneration", -1) != -1:
        return "the operator has not looked yet"
    return f"{test.message}; `kubectl loadtest doctor` looks for what is in the way"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, max_lines=_MESSAGE_LINES, placeholder=" ...")


def _figure_lines(test: LoadTest, style: Style, width: int) -> list[str]:
    lines = [""]
    lengths = [0]
    for name, value in _figures(test):
        length = len(name) + len(value) + 1
        if lengths[-1] and lengths[-1] + 3 + length > width:
            lines.append("")
            lengths.append(0)
        gap = "   " if lengths[-1] else ""
        lines[-1] += f"{gap}{style.quiet(name)} {value}"
        lengths[-1] += len(gap) + length
    return lines


def _place(test: LoadTest, progress: Json) -> str:
    steps = (test.status.get("plan") or {}).get("steps", ())
    step = f", step {progress['step']}" if len(steps) > 1 else ""
    return f"{span_text(int(progress['elapsedSeconds']))} of {span_text(progress['totalSeconds'])}{step}"


def _figures(test: LoadTest) -> Iterator[tuple[str, str]]:
    progress, pods = _progress(test), test.status.get("pods") or {}
    yield "pods", f"{pods.get('running', 0)}/{pods.get('desired', test.spec.get('parallelism', 1))}"
    yield "VUs", str(progress.get("virtualUsers", 0))
    yield "records", f"{progress.get('recordsConfirmed', 0):,}"
    yield "records/s", f"{progress.get('recordsPerSecond', 0):,.0f}"
    yield "p95", seconds_text(progress.get("p95Seconds"))
    yield "errors", f"{progress.get('errors', 0):,}"


def _progress(test: LoadTest) -> Json:
    """The figures of the load; there are none before its start, nor without one."""
    status = test.status
    progress: Json = (status.get("progress") or {}) if test.is_observed and status.get("start") else {}
    return progress
