"""`watch`, `get`, `describe` and `logs`."""

import argparse
import sys
from typing import Any, Final

from kubectl_loadtest.commands.results import REFERENCE_HELP, results_of
from kubectl_loadtest.commands.running import EPILOG, add_output_option, report_end
from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.following.until_the_end import wait_for_end
from kubectl_loadtest.kubectl import Kubectl
from kubectl_loadtest.resources.load_test import RESOURCE
from kubectl_loadtest.resources.results import is_results_name, summary_in
from kubectl_loadtest.views.description import describe_lines, describe_run_lines
from kubectl_loadtest.views.style import say, style_of
from loadtest_model.report.labels import RUN_LABEL, UID_LABEL

Json = dict[str, Any]

WATCH_HELP = "show a test as it runs, and its end"
GET_HELP = "list tests, as kubectl get does"
DESCRIBE_HELP = "tell the story of a test on one screen"
LOGS_HELP = "print what the pods of a test wrote"

_CONTAINER: Final = "loadgen"
_MOST_PODS: Final = 1_000


def add_watch_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="a LoadTest")
    parser.add_argument("--stop-on-interrupt", action="store_true", help="Ctrl-C and SIGTERM stop the test")
    add_output_option(parser)


def watch(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Show a test until it has ended; gives the exit status of its verdict. Raises CommandError."""
    test = wait_for_end(kubectl, options.name, None, stop_on_interrupt=options.stop_on_interrupt)
    return report_end(test, options.output, kubectl)


def add_get_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="LoadTests (default: all of the namespace)")
    parser.add_argument("-o", "--output", metavar="FORM", help="json, yaml, name, wide, and what else kubectl takes")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    parser.add_argument("-l", "--selector", metavar="LABELS", help="with these labels")
    parser.add_argument("-w", "--watch", action="store_true", help="print each change")


def get(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Hand over to kubectl; gives its exit status."""
    arguments = ["get", RESOURCE, *options.names]
    arguments += [f"--output={options.output}"] if options.output else []
    arguments += [f"--selector={options.selector}"] if options.selector else []
    arguments += ["--all-namespaces"] if options.all_namespaces else []
    arguments += ["--watch"] if options.watch else []
    return kubectl.hand_over(*arguments)


def add_describe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=REFERENCE_HELP)


def describe(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Print the story of a test, or of one of its earlier runs. Raises CommandError."""
    if "@" in options.name or is_results_name(options.name):
        return _describe_run(options.name, kubectl)
    test = kubectl.load_test(options.name)
    try:
        selector = f"--field-selector=involvedObject.uid={test.uid}"
        events: list[Json] = kubectl.in_namespace(test.namespace).json("get", "events", selector)["items"]
    except CommandError as error:
        events = []
        print(f"{error.message}; Events are left out", file=sys.stderr)
    say(describe_lines(test, events, style_of(sys.stdout)))
    return 0


def _describe_run(reference: str, kubectl: Kubectl) -> int:
    """Print what the results have of a run, whatever the test does now."""
    config_map = results_of(reference, kubectl)
    say(describe_run_lines(summary_in(config_map, reference), config_map["metadata"], style_of(sys.stdout)))
    return 0


def add_logs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a LoadTest")
    parser.add_argument("-f", "--follow", action="store_true", help="print what they write from now on, too")
    parser.add_argument("--pod", metavar="INDEX", help="of one pod of the fleet, by its index (default: of all)")
    parser.add_argument("--tail", metavar="LINES", default="-1", help="the last lines of each (default: all)")


def logs(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Hand over to kubectl, which prints the logs of the pods of the test's run; gives its exit status."""
    test = kubectl.load_test(options.name)
    labels = [f"{UID_LABEL}={test.uid}", f"{RUN_LABEL}={test.run_id}"]
    if options.pod is not None:
        labels.append(f"batch.kubernetes.io/job-completion-index={options.pod}")
    there = kubectl.in_namespace(test.namespace)
    selector = f"--selector={','.join(labels)}"
    if not there.text("get", "pods", selector, "--output=name"):
        raise CommandError(
            f"error: run {test.run_id} of {test.name} has no such pods ({test.phase or 'no operator has seen it'})",
            "pods are removed with the test, with its next run, or after spec.ttlSecondsAfterFinished;"
            f" `kubectl loadtest describe {test.name}{kubectl.flag_text}` says where it stands",
        )
    arguments = ["logs", selector, f"--container={_CONTAINER}", f"--tail={options.tail}", "--prefix"]
    arguments += ["--follow"] if options.follow else []
    return there.hand_over(*arguments, f"--max-log-requests={_MOST_PODS}")
