"""`run` and `rerun`, and how both end."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kubectl_loadtest.commands.results import results_of_test, save_results
from kubectl_loadtest.errors import CommandError, WrongUsageError
from kubectl_loadtest.following.until_the_end import HeldSignals, holding_signals, wait_for_end
from kubectl_loadtest.kubectl import Kubectl, KubectlError
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.resources.manifests import VERIFIED_ROWS, document_from_options, proof_from_options
from kubectl_loadtest.views.ending import ending_lines
from kubectl_loadtest.views.style import labelled, say, style_of
from loadgen.options.records_options import add_records_options
from loadgen.options.run_options import SCENARIOS, add_load_options, add_target_options
from loadgen.screen.lasting import write_if_possible
from loadtest_model.protocol.exits import ExitStatus

Json = dict[str, Any]

_LOOK_PAUSES_SECONDS: Final = (0.0, 1.0, 2.0)

RUN_HELP = "run a scenario or a manifest, and wait for the verdict"
VERIFY_HELP = "prove in the cluster that a target honours X-Load-Test, and load nothing"
RERUN_HELP = "run a test again, under a new run id"
EPILOG = """\
Ctrl-C leaves the test running; --stop-on-interrupt has it stopped, and waits for its end.

exit status: 0 Passed, 1 Failed under load, 2 Inconclusive or no verdict, 3 nothing was loaded (refused, configured
wrongly, not permitted), 64 wrong usage
"""
VERIFY_EPILOG = """\
A LoadTest with spec.verification.only is applied: its pods prove every address of the target as before a load.

exit status: 0 proven, 2 Inconclusive or no verdict, 3 refused, configured wrongly or not permitted, 64 wrong usage
"""


def add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [SCENARIO] [-f FILE] [--url URL] [OPTION ...]"
    parser.epilog = EPILOG
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS))
    _add_manifest_options(parser, "the scenario's, or the manifest's")
    add_load_options(parser)
    add_records_options(parser)


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [-f FILE] [--url URL] [OPTION ...]"
    parser.epilog = VERIFY_EPILOG
    parser.add_argument(
        "--batch-size", metavar="N", help=f"rows of the full-size batch (default: {VERIFIED_ROWS}, or the manifest's)"
    )
    _add_manifest_options(parser, "verify, or the manifest's with -verify")


def _add_manifest_options(parser: argparse.ArgumentParser, default_name: str) -> None:
    parser.add_argument("-f", "--file", "--filename", metavar="FILE", help="a LoadTest manifest; - is standard input")
    parser.add_argument("--dry-run", action="store_true", help="print the LoadTest, and apply nothing")
    parser.add_argument("--name", metavar="NAME", help=f"name of the LoadTest (default: {default_name})")
    _add_waiting_options(parser)
    cluster = parser.add_argument_group("pods and Secrets")
    cluster.add_argument("--parallelism", metavar="N", help="pods that share the load (default: 1)")
    cluster.add_argument("--token-secret", metavar="NAME[/KEY]", help="Secret with the token (default key: token)")
    cluster.add_argument(
        "--header-secret",
        action="append",
        default=[],
        metavar="'HEADER: NAME[/KEY]'",
        help="further request header whose value is in a Secret (key: token); repeatable",
    )
    cluster.add_argument("--login-secret", metavar="NAME", help="Secret with username and password, for --login-url")
    cluster.add_argument("--ca-secret", metavar="NAME[/KEY]", help="Secret with authorities as PEM (key: ca.crt)")
    cluster.add_argument("--client-cert-secret", metavar="NAME", help="TLS Secret that is shown to the target")
    add_target_options(parser)


def add_rerun_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="a LoadTest that has ended")
    _add_waiting_options(parser)


def add_output_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", choices=("json", "yaml", "name"), help="print the test in this form, and all else to stderr"
    )


def _add_waiting_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run-id", metavar="ID", help="of the run (default: the time)")
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", default=True, help="wait for the verdict (default)")
    waiting.add_argument("--detach", action="store_true", help="do not wait")
    parser.add_argument("--out", metavar="DIR", help="save the results of the run there, as `results` does")
    parser.add_argument("--stop-on-interrupt", action="store_true", help="Ctrl-C and SIGTERM stop the test")
    add_output_option(parser)


def run(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Apply a LoadTest as a run of its own, and wait for its end. Raises CommandError."""
    return _apply(document_from_options(options, options.run_id or _new_run_id()), options, kubectl)


def verify(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Apply a LoadTest that is to prove its target alone, and wait for its end. Raises CommandError."""
    return _apply(proof_from_options(options, options.run_id or _new_run_id()), options, kubectl)


def _apply(document: Json, options: argparse.Namespace, kubectl: Kubectl) -> int:
    _refuse_unsaved(options)
    if options.dry_run:
        print_object(LoadTest(document), options.output or "yaml")
        return ExitStatus.PASSED
    with holding_signals() as held:
        try:
            applied = LoadTest(kubectl.json("apply", "--filename=-", standard_input=json.dumps(document)))
        except KubectlError as error:
            applied = _begun_all_the_same(LoadTest(document), kubectl, error)
        return _finish(applied, options, kubectl, "applied", held)


def rerun(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Give a test that has ended a new run id, and wait for the end of that run. Raises CommandError."""
    _refuse_unsaved(options)
    with holding_signals() as held:
        change = {"runId": options.run_id or _new_run_id(), "stop": False, "suspend": False}
        try:
            _refuse_unended(kubectl.load_test(options.name), kubectl)
            test = kubectl.change(options.name, change)
        except KubectlError as error:
            wanted = LoadTest({"metadata": {"name": options.name}, "spec": change})
            test = _begun_all_the_same(wanted, kubectl, error)
        return _finish(test, options, kubectl, "runs again", held)


def _begun_all_the_same(wanted: LoadTest, kubectl: Kubectl, error: KubectlError) -> LoadTest:
    """The test, if it asks for the run that was wanted although that ended with an error: its answer was lost.

    Raises the error with the status of what never loaded; or with that of no verdict if this cannot be found out.
    """
    error.status = ExitStatus.NEVER_LOADED
    if not error.is_lost_answer:
        # The API server's own answer to a test that it does not take.
        raise error
    there = kubectl.in_namespace(wanted.namespace) if wanted.namespace else kubectl
    for pause_seconds in _LOOK_PAUSES_SECONDS:
        time.sleep(pause_seconds)
        try:
            test = there.load_test(wanted.name)
        except KubectlError as other_error:
            if other_error.is_not_found:
                raise error from None
            continue
        if test.run_id != wanted.run_id:
            raise error
        return test
    error.status = ExitStatus.INCONCLUSIVE
    error.hint = (
        f"run {wanted.run_id} of {wanted.name} may have begun:"
        f" `kubectl loadtest watch {wanted.name}{kubectl.flag_text}` shows it"
    )
    raise error


def _refuse_unsaved(options: argparse.Namespace) -> None:
    if options.detach and options.out:
        raise WrongUsageError("error: --out saves what a run came to, and --detach does not wait for that")


def _refuse_unended(test: LoadTest, kubectl: Kubectl) -> None:
    if not test.is_completed:
        raise WrongUsageError(
            f"error: run {test.run_id} of {test.name} has not ended ({test.phase or 'no operator has seen it'}),"
            " so it goes on and is not run again",
            f"`kubectl loadtest watch {test.name}{kubectl.flag_text}` waits for it,"
            f" `kubectl loadtest stop {test.name}{kubectl.flag_text}` ends it",
        )


def _new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _finish(test: LoadTest, options: argparse.Namespace, kubectl: Kubectl, what: str, held: HeldSignals) -> int:
    narrative = sys.stderr if options.output else sys.stdout
    if test.earlier_run_text:
        lines = [
            f"run {test.run_id} of {test.qualified_name} {test.earlier_run_text}; this is its verdict",
            "give another --run-id for another run",
        ]
    else:
        lines = [f"{test.qualified_name} {what} as run {test.run_id}"]
    say(lines, narrative)
    # What follows is about the object that the API server named, whatever the manifest said of its namespace.
    there = kubectl.in_namespace(test.namespace)
    if options.detach:
        say([f"`kubectl loadtest watch {test.name}{kubectl.flag_text}` shows it as it runs"], narrative)
        print_object(test, options.output)
        return 0
    stop = options.stop_on_interrupt
    ended = wait_for_end(there, test.name, test.run_id, stop_on_interrupt=stop, test=test, held=held)
    status = report_end(ended, options.output, kubectl)
    if options.out:
        try:
            say([str(path) for path in save_results(results_of_test(ended, there), Path(options.out))], narrative)
        except CommandError as error:
            # The verdict stands, whether it could be saved or not.
            error.status = status
            raise
    return status


def report_end(test: LoadTest, output: str | None, kubectl: Kubectl) -> int:
    """Print how a test ended, in the form that was asked for; gives the exit status."""
    if output:
        print_object(test, output)
        return test.exit_status
    lines = list(ending_lines(test, style_of(sys.stdout)))
    if test.results_name:
        lines.append(labelled("", f"kubectl loadtest report {test.name}{kubectl.flag_text} --open"))
        lines.append(labelled("", f"kubectl loadtest results {test.name}{kubectl.flag_text} --out DIR"))
    say(lines)
    return test.exit_status


def print_object(test: LoadTest, output: str | None) -> None:
    """Print a test as kubectl would: `name`, `json` or `yaml`; None prints nothing."""
    match output:
        case "name":
            text = f"{test.qualified_name}\n"
        case "json":
            text = f"{json.dumps(test.document, indent=4)}\n"
        case "yaml":
            import yaml  # noqa: PLC0415 - importing the parser takes 40 ms

            text = yaml.safe_dump(test.document, sort_keys=True, allow_unicode=True)
        case _:
            return
    write_if_possible(sys.stdout, text)
