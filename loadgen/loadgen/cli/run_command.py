"""`loadgen run`: a whole test from this machine, from its options to its files and its exit status."""

import argparse
import asyncio
import os
import sys
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec

from loadgen.cli import event_loop
from loadgen.load.debugging import DebugLines, look_at_check, look_at_iteration
from loadgen.local.files import RESULT_SCHEMA, Result, ResultFiles, result_files, write_results
from loadgen.local.interrupts import listening
from loadgen.local.planning import access_of, plan_of
from loadgen.local.samples import SampleFile
from loadgen.local.session import Seen, Session
from loadgen.options.document import draft_of
from loadgen.options.errors import UsageError
from loadgen.options.manifest import read_manifest
from loadgen.screen.closing import closing, verdict_lines
from loadgen.screen.drawing import Block, Lines, Screen, Silent, can_redraw, columns_of, wants_colour, write_utf8
from loadgen.screen.opening import opening, proof_text
from loadgen.screen.texts import fitted
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.plan import Plan
from loadtest_model.release import installed_version
from loadtest_model.report.progress import progress_of
from loadtest_model.report.summary import summarize
from loadtest_model.spec import Identity

REFUSED_EXIT: Final = 3
EXITS: Final = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 2}
FIRST_PARTIAL_SECONDS: Final = 1.0
PARTIAL_SECONDS: Final = 10.0
"""How often the results so far are written: what a run that is killed leaves."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where what is said goes. `narrative` is standard error where standard output is for JSON."""

    narrative: TextIO
    screen: Screen
    quiet: bool
    json: bool
    colour: bool

    def say(self, text: str) -> None:
        if not self.quiet:
            print(fitted(text, columns_of(self.narrative)), file=self.narrative, flush=True)

    def complain(self, text: str) -> None:
        print(f"loadgen run: {text}", file=sys.stderr, flush=True)


def run_load_test(parsed: argparse.Namespace) -> int:
    """Run the test of a command line; gives the exit status. Raises UsageError."""
    plan, source = planned(parsed, os.environ)
    files = result_files(Path(parsed.out), plan.name, datetime.now(UTC))
    output = _output(parsed, os.environ, debug=plan.debug)
    return event_loop.run(_run(parsed, plan, source, files, output))


def planned(parsed: argparse.Namespace, environment: Mapping[str, str]) -> tuple[Plan, str | None]:
    """The plan of a command line, and where its URL came from if not from there. Raises UsageError."""
    if parsed.scenario is None and parsed.file is None:
        raise UsageError("name a scenario (light, medium, heavy, stress, all or custom) or a manifest (-f FILE)")
    manifest = read_manifest(Path(parsed.file)) if parsed.file is not None else None
    draft = draft_of(parsed, environment, manifest)
    began = datetime.now(UTC)
    if "runId" not in draft.spec:
        draft.put("runId", f"local-{began:%Y%m%d-%H%M%S}", "the run's id")
    identity = Identity(
        namespace=manifest.namespace if manifest else "local",
        name=manifest.name if manifest else parsed.scenario,
        uid=str(uuid.uuid4()),
    )
    url_source = draft.sources.get("spec.target.url", parsed.file)
    plan = plan_of(draft, identity, access_of(parsed, environment))
    return plan, None if url_source == "--url" else url_source


async def _run(parsed: argparse.Namespace, plan: Plan, source: str | None, files: ResultFiles, output: Output) -> int:
    session = Session(plan, time.monotonic_ns)
    samples = SampleFile(Path(parsed.samples)) if parsed.samples else None
    if samples is not None:
        session.observe(samples.add)
    if plan.debug:
        lines = DebugLines(sys.stderr)
        session.observe(
            lambda iteration: lines.add(look_at_iteration(iteration)),
            lambda name, upload, progress: lines.add(look_at_check(name, upload, progress)),
        )
    output.say(opening(plan, source))
    try:
        with listening(session.interrupts):
            output.say("Verifying the target ...")
            report = await session.verify()
            if report is not None:
                output.say(proof_text(report))
            if report is not None and report.is_proven and not session.interrupts.count:
                await _load(session, files, output)
                if session.reads_back:
                    output.say("Reading back what the target has stored ...")
                    await session.conclude()
    finally:
        if samples is not None:
            samples.close()
    result = result_of(session.seen(), complete=True)
    written = _write(files, result, output)
    _conclude(session, result, files if written else None, output)
    refused = report is not None and report.refusal is not None
    return REFUSED_EXIT if refused else EXITS[result.summary.verdict]


async def _load(session: Session, files: ResultFiles, output: Output) -> None:
    """Load the target, showing progress and writing what there is as it goes."""
    session.on_interrupt = lambda: _show_now(session, output.screen)
    try:
        async with asyncio.TaskGroup() as tasks:
            meanwhile = [
                tasks.create_task(_show(session, output.screen)),
                tasks.create_task(_keep(session, files, output)),
            ]
            await session.load()
            for task in meanwhile:
                task.cancel()
    finally:
        output.screen.close()


async def _show(session: Session, screen: Screen) -> None:
    while True:
        await asyncio.sleep(screen.pause_seconds)
        _show_now(session, screen)


def _show_now(session: Session, screen: Screen) -> None:
    screen.show(progress_of(session.plan, session.aggregate()), session.interrupts.count)


async def _keep(session: Session, files: ResultFiles, output: Output) -> None:
    pause_seconds = FIRST_PARTIAL_SECONDS
    while True:
        await asyncio.sleep(pause_seconds)
        # Judging and writing take some milliseconds, which the event loop has not to spare.
        writing = asyncio.ensure_future(asyncio.to_thread(_write_partial, session.seen(), files, output))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, and the last results must be written after all that it still writes.
            await writing
            raise
        pause_seconds = PARTIAL_SECONDS


def _write(files: ResultFiles, result: Result, output: Output) -> bool:
    """Write the results; a full disk must not take the run's verdict with it."""
    try:
        write_results(files, result)
    except OSError as error:
        output.complain(f"the results cannot be written: {error}")
        return False
    return True


def _write_partial(seen: Seen, files: ResultFiles, output: Output) -> None:
    _write(files, result_of(seen, complete=False), output)


def result_of(seen: Seen, *, complete: bool) -> Result:
    """Everything there is to know about a run as it stands."""
    facts = seen.facts
    judgement = judge(facts)
    return Result(
        schema_version=RESULT_SCHEMA,
        program=f"loadgen {installed_version()}",
        complete=complete,
        summary=summarize(facts.plan, facts.aggregate, judgement, seen.report, seen.started_at),
        plan=facts.plan,
        verification=seen.report.final_report if seen.report else None,
        judgement=judgement,
        aggregate=facts.aggregate,
    )


def _conclude(session: Session, result: Result, files: ResultFiles | None, output: Output) -> None:
    if session.defect is not None:
        traceback.print_exception(session.defect)
    if output.json:
        write_utf8(f"{msgspec.json.format(msgspec.json.encode(result.summary)).decode()}\n")
    if output.quiet:
        if not output.json:
            lines = verdict_lines(result.summary, colour=output.colour)
            print(fitted("\n".join(lines), columns_of(sys.stdout)))
        return
    refused = result.verification is not None and result.verification.refusal is not None
    # Why and what to do was said when it was refused.
    report = f"Verdict     {result.summary.verdict}" if refused else closing(result.summary, colour=output.colour)
    output.say(f"\n{report}")
    for number, file in enumerate(files.all if files else ()):
        output.say(f"{'Files' if number == 0 else '':<12}{file}")


def _output(parsed: argparse.Namespace, environment: Mapping[str, str], *, debug: bool) -> Output:
    narrative = sys.stderr if parsed.json else sys.stdout
    screen: Screen
    if parsed.quiet or debug:
        screen = Silent()
    elif can_redraw(sys.stderr, environment):
        screen = Block(sys.stderr)
    else:
        screen = Lines(sys.stderr)
    return Output(narrative, screen, parsed.quiet, parsed.json, wants_colour(narrative, environment))
