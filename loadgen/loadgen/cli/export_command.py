"""`loadgen export`: the test of a manifest as a k6 script or an Artillery test."""

import argparse
import os
import sys
from pathlib import Path

from loadgen.exporting.artillery import artillery_test
from loadgen.exporting.bounds import NotExportableError
from loadgen.exporting.k6 import k6_script
from loadgen.local.planning import local_test_of
from loadgen.local.whole_files import write_whole
from loadgen.options.errors import UsageError
from loadgen.screen.drawing import write_utf8
from loadtest_model.plan import Plan


def run_export(options: argparse.Namespace) -> int:
    """Write the files and say how they are run. Raises UsageError."""
    # A manifest with a token needs a place for it; the script looks there when it runs, and nobody looks now.
    plan = local_test_of(options, {"AUTH_TOKEN": "read when the script runs", **os.environ}).plan
    try:
        return _export_k6(plan, options.to) if options.tool == "k6" else _export_artillery(plan, options.to)
    except NotExportableError as error:
        raise UsageError(str(error)) from error


def _export_k6(plan: Plan, to: str | None) -> int:
    script = k6_script(plan)
    if to is None:
        write_utf8(script)
        return 0
    _write(Path(to), script)
    _say(f"wrote {to}; run it with: AUTH_TOKEN=... k6 run {to}")
    return 0


def _export_artillery(plan: Plan, to: str | None) -> int:
    if to is None:
        raise UsageError("--to is missing; an Artillery test has two files: --to heavy.yml writes it and heavy.cjs")
    configuration = Path(to)
    processor = configuration.with_suffix(".cjs")
    if processor == configuration:
        raise UsageError(f"--to is {to!r}; name the configuration, such as heavy.yml: the processor lies beside it")
    test = artillery_test(plan, processor.name)
    _write(processor, test.processor)
    _write(configuration, test.configuration)
    _say(f"wrote {configuration} and {processor}; run it with: AUTH_TOKEN=... artillery run {configuration}")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"--to {path} cannot be written: {error.strerror}") from error


def _say(text: str) -> None:
    print(text, file=sys.stderr)
