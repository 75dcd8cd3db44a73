"""`report`, `results` and `compare`: what runs came to, out of their ConfigMaps."""

import argparse
import json
import sys
import webbrowser
from pathlib import Path
from typing import Any, Final

import msgspec

from kubectl_loadtest.errors import CommandError, WrongUsageError
from kubectl_loadtest.kubectl import Kubectl
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.resources.results import MARKDOWN, REPORT, SUMMARY, file_in, run_name
from kubectl_loadtest.views.comparison import comparison_lines
from kubectl_loadtest.views.style import say, style_of
from loadtest_model.report.kept_files import files_of
from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL, label_value
from loadtest_model.report.markdown import summary_markdown
from loadtest_model.report.summary import Summary

Json = dict[str, Any]

REPORT_HELP = "save or open the report of a run, one HTML file"
RESULTS_HELP = "save the results of a run: report, summary (JSON, Markdown), time series, JUnit XML"
COMPARE_HELP = "print the figures of two runs side by side"

_STANDARD_OUTPUT: Final = "-"
_REFERENCE: Final = "a LoadTest, or one run of it as NAME@RUN"


def add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=_REFERENCE)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--open", action="store_true", help="save it in the current folder, and open it in the browser")
    place.add_argument("-o", "--output", metavar="FILE", help="where it is saved; - is standard output")
    parser.add_argument("--markdown", action="store_true", help="a short summary as Markdown, in place of the report")


def report(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Save the report of a run, and open it if that is asked for and a browser is there. Raises CommandError."""
    config_map = results_of(options.name, kubectl)
    name = MARKDOWN if options.markdown else REPORT
    content = _markdown(config_map, options.name) if options.markdown else file_in(config_map, REPORT)
    if options.output == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        return 0
    path = Path(options.output or f"{run_name(config_map)}_{name}")
    _write(path, content)
    print(path, flush=True)
    if options.open and not webbrowser.open(path.absolute().as_uri()):
        print("note: no browser can be opened here; open the file by hand", file=sys.stderr)
    return 0


def _markdown(config_map: Json, reference: str) -> bytes:
    """The summary as Markdown, also of a run whose operator did not write it."""
    return summary_markdown(_decoded(reference, file_in(config_map, SUMMARY))).encode()


def add_results_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=_REFERENCE)
    parser.add_argument(
        "--out", metavar="DIR", default="load_test_results", help="where they are saved (default: %(default)s)"
    )


def results(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Save all files of a run, and print their names. Raises CommandError."""
    for path in save_results(results_of(options.name, kubectl), Path(options.out)):
        print(path)
    return 0


def save_results(config_map: Json, folder: Path) -> list[Path]:
    """Save all files of a run, and return their paths. Raises CommandError."""
    paths = []
    for name, content in files_of(config_map).items():
        paths.append(folder / f"{run_name(config_map)}_{name}")
        _write(paths[-1], content)
    return paths


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    for name in ("first", "second"):
        parser.add_argument(
            name, metavar=name[0].upper(), help="a LoadTest, NAME@RUN, a ConfigMap of results, or a summary file"
        )


def compare(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Print two runs side by side. Raises CommandError."""
    (first_name, first), (second_name, second) = (_summary(each, kubectl) for each in (options.first, options.second))
    say(comparison_lines((first_name, second_name), (first, second), style_of(sys.stdout)))
    return 0


def results_of(reference: str, kubectl: Kubectl) -> Json:
    """The ConfigMap of a run's results: of the newest run of a test, or of the run behind an @. Raises CommandError."""
    name, at_sign, run_id = reference.partition("@")
    if at_sign:
        selector = f"--selector={TEST_LABEL}={label_value(name)},{RUN_LABEL}={run_id}"
        items: list[Json] = kubectl.json("get", "configmaps", selector)["items"]
        if not items:
            raise CommandError(f"error: there are no results of run {run_id} of {name}", _runs_hint(name, kubectl))
        return items[0]
    test = kubectl.load_test(name)
    if not test.is_completed:
        raise CommandError(
            f"error: run {test.run_id} of {name} has not ended ({test.phase or 'no operator has seen it'})",
            f"`kubectl loadtest watch {name}{kubectl.flag_text}` waits for it; {_runs_hint(name, kubectl)}",
        )
    return results_of_test(test, kubectl)


def results_of_test(test: LoadTest, kubectl: Kubectl) -> Json:
    """The ConfigMap of the results of a test that has ended. Raises CommandError if it has none."""
    if test.results_name is None:
        raise CommandError(
            f"error: run {test.run_id} of {test.name} has no results: {test.message}",
            f"`kubectl loadtest describe {test.name}{kubectl.flag_text}` tells its story",
        )
    return kubectl.in_namespace(test.namespace).json("get", "configmap", test.results_name)


def _runs_hint(name: str, kubectl: Kubectl) -> str:
    items: list[Json] = kubectl.json("get", "configmaps", f"--selector={TEST_LABEL}={label_value(name)}")["items"]
    runs = sorted(item["metadata"]["labels"].get(RUN_LABEL, "") for item in items)
    return f"runs with results: {', '.join(f'{name}@{run}' for run in runs)}" if runs else f"no run of {name} has any"


def _summary(reference: str, kubectl: Kubectl) -> tuple[str, Summary]:
    """The summary that a reference names, and a short name for it."""
    path = Path(reference)
    if path.is_file():
        return path.name.removesuffix(".json").removesuffix("_summary"), _decoded(reference, path.read_bytes())
    if path.suffix == ".json" or "/" in reference:
        raise WrongUsageError(f"error: there is no file {reference}")
    if reference.endswith("-results"):
        config_map = kubectl.json("get", "configmap", reference)
    else:
        config_map = results_of(reference, kubectl)
    return run_name(config_map).replace("_", "@", 1), _decoded(reference, file_in(config_map, SUMMARY))


def _decoded(reference: str, content: bytes) -> Summary:
    try:
        return msgspec.json.decode(content, type=Summary)
    except msgspec.DecodeError as error:
        try:
            # The file with everything about a local run has its summary inside.
            return msgspec.convert(json.loads(content)["summary"], Summary)
        except (KeyError, TypeError, ValueError):
            raise CommandError(f"error: {reference} is not the summary of a run: {error}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"error: {path} cannot be written: {error.strerror}") from error
