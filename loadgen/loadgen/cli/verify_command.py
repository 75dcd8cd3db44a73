"""`loadgen verify`: the verification by hand, its checks printed with what was seen and what to do."""

import argparse
import os
import sys
import time
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from loadgen.cli import event_loop
from loadgen.load.debugging import DebugLines, trace_of_check
from loadgen.load.share import Share
from loadgen.local.interrupts import every_signal_as_ctrl_c
from loadgen.local.planning import access_of, plan_of
from loadgen.options.document import draft_of
from loadgen.options.manifest import read_manifest
from loadgen.screen.checklist import checklist
from loadgen.screen.drawing import terminal_width, wants_colour, write_utf8
from loadgen.screen.lasting import write_if_possible
from loadgen.screen.texts import fit_to_width
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.plan import Plan
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.spec import Identity, Scenario

DEFAULT_ROWS: Final = 1_000
NOTHING_SENT: Final = VerificationReport(level=ProofLevel.NONE, message="before anything was sent")


class LocalVerification(NamedTuple):
    """The plan whose verification is run, and the user's word for each field in advice."""

    plan: Plan
    words: Mapping[str, str]


def run_verify(options: argparse.Namespace) -> int:
    """Verify the target of a command line and print the report. Raises UsageError."""
    plan, words = local_verification_of(options, os.environ)
    share = Share(plan, 0, plan.uid, time.monotonic_ns)
    if plan.debug:
        lines = DebugLines(partial(write_if_possible, sys.stderr))
        share.observe_checks(lambda *check: lines.add(trace_of_check(*check)))
    is_interrupted = False
    try:
        with every_signal_as_ctrl_c():
            report = event_loop.run(share.prove_alone())
    except KeyboardInterrupt:
        # Which rows may be stored because of what was under way has to be said all the same.
        report, is_interrupted = share.report or NOTHING_SENT, True
    if options.json:
        write_utf8(f"{msgspec.json.encode(report.final_report).decode()}\n")
    else:
        text = checklist(plan.target.url, report, words=words, in_colour=wants_colour(sys.stdout, os.environ))
        print(fit_to_width(text, terminal_width(sys.stdout)))
    if is_interrupted:
        print("loadgen verify: interrupted", file=sys.stderr)
    return ExitStatus.PASSED if report.is_proven and not is_interrupted else ExitStatus.NEVER_LOADED


def local_verification_of(options: argparse.Namespace, environment: Mapping[str, str]) -> LocalVerification:
    """The verification of a command line. Raises UsageError."""
    manifest = read_manifest(Path(options.file)) if options.file is not None else None
    draft = draft_of(options, environment, manifest)
    if manifest is None:
        draft.put("scenario", Scenario.CUSTOM, "the scenario")
        draft.put("load.duration", "1s", "the duration")
        if "batchSize" not in draft.spec["load"]:
            draft.put("load.batchSize", DEFAULT_ROWS, "--batch-size")
    identity = Identity(namespace=manifest.namespace if manifest else "local", name="verify", uid=str(uuid.uuid4()))
    return LocalVerification(plan_of(draft, identity, access_of(options, environment)), draft.advice_words)
