"""`loadgen run`: a whole test from this machine, from its options to its files and its exit status."""

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import msgspec

from loadgen.cli import event_loop
from loadgen.live.reporting import PageProcess
from loadgen.load.debugging import DebugLines, trace_of_check, trace_of_iteration
from loadgen.local.earlier_runs import baseline_for
from loadgen.local.files import RESULT_SCHEMA, ResultFiles, RunResult, result_files, write_results
from loadgen.local.interrupts import Interrupts, listen_for_signals
from loadgen.local.planning import LocalTest, local_test_of
from loadgen.local.samples import SampleFile
from loadgen.local.session import Session, SessionState
from loadgen.options.run_options import ANY_PORT, with_scenario_behind_ui
from loadgen.screen.closing import closing_text, verdict_lines
from loadgen.screen.drawing import (
    BlockScreen,
    LineScreen,
    Screen,
    SilentScreen,
    can_redraw,
    terminal_width,
    wants_colour,
    write_utf8,
)
from loadgen.screen.lasting import write_if_possible
from loadgen.screen.opening import opening_text, proof_text
from loadgen.screen.texts import fit_to_width
from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import exit_status, verdict_text
from loadtest_model.release import installed_version
from loadtest_model.report.progress import progress_of
from loadtest_model.report.summary import summarize, with_blocks, with_origin
from loadtest_model.report.time_series import series_rows

FIRST_PARTIAL_SECONDS: Final = 1.0
PARTIAL_SECONDS: Final = 10.0
"""How often the results so far are written: what a run that is killed leaves."""


@dataclass(frozen=True, slots=True)
class Output:
    """The destinations of a command's output. `narrative` is standard error where standard output is for JSON."""

    narrative: TextIO
    screen: Screen
    is_quiet: bool
    is_json: bool
    in_colour: bool
    words: Mapping[str, str]

    def say(self, text: str) -> None:
        if not self.is_quiet:
            write_if_possible(self.narrative, f"{fit_to_width(text, terminal_width(self.narrative))}\n")

    def report_error(self, text: str) -> None:
        write_if_possible(sys.stderr, f"loadgen run: {text}\n")


def run_load_test(options: argparse.Namespace) -> int:
    """Run the test of a command line; gives the exit status. Raises UsageError."""
    with_scenario_behind_ui(options)
    test = local_test_of(options, os.environ)
    files = result_files(Path(options.out), test.plan.name, datetime.now(UTC))
    baseline = baseline_for(test.plan, [Path(each) for each in options.baseline] or [Path(options.out)])
    output = _output(options, os.environ, test)
    return event_loop.run(_run(options, test, baseline, files, output))


async def _run(
    options: argparse.Namespace, test: LocalTest, baseline: Baseline | None, files: ResultFiles, output: Output
) -> int:
    plan = test.plan
    session = Session(plan, time.monotonic_ns, test.manifest)
    samples = SampleFile(Path(options.samples)) if options.samples else None
    if samples is not None:
        session.observe(samples.add)
    if plan.debug:
        lines = DebugLines(partial(write_if_possible, sys.stderr))
        session.observe(
            lambda iteration: lines.add(trace_of_iteration(iteration)),
            lambda name, upload, progress: lines.add(trace_of_check(name, upload, progress)),
        )
    output.say(opening_text(plan, test.url_source, output.words))
    # To the very end: a signal that came while the results are written would take them.
    with listen_for_signals(session.interrupts):
        async with _live_page(options, session, test.manifest, output) as page:
            state = await _run_session(session, files, output, samples, page)
            result = result_of(state, baseline, complete=True)
            is_written = _write(files, result, output)
            if page is not None:
                page.end(result.summary, series_rows(plan, result.aggregate, result.summary.started_at))
            _report_end(session, result, files if is_written else None, output)
            if page is not None and not session.interrupts.count and _is_watched():
                await _keep_page(page, output)
    return exit_status(result.summary.verdict, result.summary.reason_class)


@asynccontextmanager
async def _live_page(
    options: argparse.Namespace, session: Session, manifest: str, output: Output
) -> AsyncIterator[PageProcess | None]:
    """The page of a run, if one was asked for. It shows the end of the run to whoever looks, and ends with the context.

    Raises UsageError.
    """
    if options.ui is None:
        yield None
        return
    page = await PageProcess.start(session, manifest, None if options.ui == ANY_PORT else options.ui)
    # Where it is must be said however little else is.
    write_if_possible(sys.stderr if output.is_quiet else output.narrative, f"{'Page':<12}{page.address}\n")
    try:
        yield page
    finally:
        await page.close()


def _is_watched() -> bool:
    """Whether somebody sits at a terminal: nobody else can end what waits for Ctrl-C."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _keep_page(page: PageProcess, output: Output) -> None:
    """Leave the page until Ctrl-C."""
    output.say(f"{'Page':<12}stays at {page.address} until Ctrl-C")
    is_over = asyncio.Event()
    with listen_for_signals(Interrupts(is_over.set)):
        waits = [asyncio.ensure_future(page.wait()), asyncio.ensure_future(is_over.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _run_session(
    session: Session, files: ResultFiles, output: Output, samples: SampleFile | None, page: PageProcess | None
) -> SessionState:
    """Verify, load and read back, as far as it comes; gives the run at its end."""
    following = asyncio.create_task(page.follow()) if page is not None else None
    try:
        output.say("Verifying the target ...")
        report = await session.verify()
        if report is not None:
            output.say(proof_text(report, output.words))
        if report is not None and report.is_proven and not session.interrupts.count:
            await _load(session, files, output)
            if session.reads_back:
                output.say("Reading back what the target has stored ...")
                await session.conclude()
    finally:
        if following is not None:
            following.cancel()
        if samples is not None and (problem := samples.close()):
            output.report_error(f"the samples are not complete: {problem}")
    return session.current_state()


async def _load(session: Session, files: ResultFiles, output: Output) -> None:
    """Load the target, showing progress and writing what there is as it goes."""
    session.on_interrupt = lambda: _show_now(session, output.screen)
    try:
        async with asyncio.TaskGroup() as tasks:
            background_tasks = [
                tasks.create_task(_show_periodically(session, output.screen)),
                tasks.create_task(_write_periodically(session, files, output)),
            ]
            await session.load()
            for task in background_tasks:
                task.cancel()
    finally:
        output.screen.close()


async def _show_periodically(session: Session, screen: Screen) -> None:
    while True:
        await asyncio.sleep(screen.pause_seconds)
        _show_now(session, screen)


def _show_now(session: Session, screen: Screen) -> None:
    screen.show(progress_of(session.plan, session.aggregate()), session.interrupts.count)


async def _write_periodically(session: Session, files: ResultFiles, output: Output) -> None:
    pause_seconds = FIRST_PARTIAL_SECONDS
    while True:
        await asyncio.sleep(pause_seconds)
        # Judging and writing take some milliseconds, which the event loop has not to spare.
        writing = asyncio.ensure_future(asyncio.to_thread(_write_partial, session.current_state(), files, output))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, and the last results must be written after all that it still writes.
            await writing
            raise
        pause_seconds = PARTIAL_SECONDS


def _write(files: ResultFiles, result: RunResult, output: Output) -> bool:
    """Write the results; a full disk must not take the run's verdict with it."""
    try:
        write_results(files, result)
    except OSError as error:
        output.report_error(f"the results cannot be written: {error}")
        return False
    return True


def _write_partial(state: SessionState, files: ResultFiles, output: Output) -> None:
    _write(files, result_of(state, None, complete=False), output)


def result_of(state: SessionState, baseline: Baseline | None, *, complete: bool) -> RunResult:
    """Everything there is to know about a run as it stands. `baseline` has the earlier runs, of one that is over."""
    facts = replace(state.facts, baseline=baseline)
    judgement = judge(facts)
    summary = summarize(facts.plan, facts.aggregate, judgement, state.report, state.started_at)
    if complete:
        summary = with_blocks(summary, facts.plan, facts.aggregate)
    return RunResult(
        schema_version=RESULT_SCHEMA,
        program=f"loadgen {installed_version()}",
        complete=complete,
        summary=with_origin(summary, facts.plan, [state.snapshot], state.manifest),
        plan=facts.plan,
        verification=state.report.final_report if state.report else None,
        judgement=judgement,
        aggregate=facts.aggregate,
    )


def _report_end(session: Session, result: RunResult, files: ResultFiles | None, output: Output) -> None:
    if session.defect is not None:
        write_if_possible(sys.stderr, "".join(traceback.format_exception(session.defect)))
    if output.is_json:
        write_utf8(f"{msgspec.json.format(msgspec.json.encode(result.summary)).decode()}\n")
    if output.is_quiet:
        if not output.is_json:
            text = "\n".join(verdict_lines(result.summary, words=output.words, in_colour=output.in_colour))
            write_if_possible(sys.stdout, f"{fit_to_width(text, terminal_width(sys.stdout))}\n")
        return
    is_refused = result.verification is not None and result.verification.refusal is not None
    # Why and what to do was said when it was refused.
    report = (
        f"Verdict     {verdict_text(result.summary.verdict, result.summary.reason_class)}"
        if is_refused
        else closing_text(result.summary, words=output.words, in_colour=output.in_colour)
    )
    output.say(f"\n{report}")
    for number, file in enumerate(files.all if files else ()):
        output.say(f"{'Files' if number == 0 else '':<12}{file}")


def _output(options: argparse.Namespace, environment: Mapping[str, str], test: LocalTest) -> Output:
    narrative = sys.stderr if options.json else sys.stdout
    screen: Screen
    if options.quiet or test.plan.debug:
        screen = SilentScreen()
    elif can_redraw(sys.stderr, environment):
        screen = BlockScreen(sys.stderr)
    else:
        screen = LineScreen(sys.stderr)
    return Output(narrative, screen, options.quiet, options.json, wants_colour(narrative, environment), test.words)
