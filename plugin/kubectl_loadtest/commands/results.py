"""`report`, `results` and `compare`: what runs came to, out of their ConfigMaps."""

import argparse
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kubectl_loadtest.errors import CommandError, WrongUsageError
from kubectl_loadtest.kubectl import Kubectl
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.resources.results import (
    MARKDOWN,
    REPORT,
    SERIES,
    file_in,
    is_results_name,
    owner_name,
    run_name,
    summary_in,
)
from kubectl_loadtest.views.style import say, style_of
from loadgen.local.saved_runs import decoded_rows, saved_run
from loadgen.local.whole_files import write_whole
from loadgen.options.errors import UsageError
from loadgen.options.run_options import add_compare_options as add_page_options
from loadgen.screen.comparison import comparison_lines
from loadtest_model.pages.comparison_page import ComparedRun, comparison_page
from loadtest_model.report.kept_files import files_of
from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL, UID_LABEL, label_value
from loadtest_model.report.markdown import summary_markdown

Json = dict[str, Any]

REPORT_HELP = "save or open the report of a run, one HTML file"
RESULTS_HELP = "save the results of a run: report, summary (JSON, Markdown), time series, JUnit XML"
COMPARE_HELP = "show two runs side by side, in the terminal or on a page"

_STANDARD_OUTPUT: Final = "-"
REFERENCE_HELP: Final = "a LoadTest, one run of it as NAME@RUN, or a ConfigMap of results"


def add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=REFERENCE_HELP)
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
    path = Path(options.output or f"{_free_stem(config_map, Path(), {name: content})}_{name}")
    _write(path, content)
    print(path, flush=True)
    if options.open:
        _open(path)
    return 0


def _markdown(config_map: Json, reference: str) -> bytes:
    """The summary as Markdown, also of a run whose operator did not write it."""
    return summary_markdown(summary_in(config_map, reference)).encode()


def add_results_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=REFERENCE_HELP)
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
    files = files_of(config_map)
    stem = _free_stem(config_map, folder, files)
    for name, content in files.items():
        _write(folder / f"{stem}_{name}", content)
    return [folder / f"{stem}_{name}" for name in files]


def _free_stem(config_map: Json, folder: Path, files: Mapping[str, bytes]) -> str:
    """What the names of a run's files begin with: test and run id.

    Several runs can have one id. If another of them is saved in the folder, the ConfigMap's name tells them apart.
    """
    stem = run_name(config_map)
    paths = {folder / f"{stem}_{name}": content for name, content in files.items()}
    is_free = all(not path.is_file() or path.read_bytes() == content for path, content in paths.items())
    return stem if is_free else str(config_map["metadata"]["name"])


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    for name in ("first", "second"):
        parser.add_argument(
            name,
            metavar=name[0].upper(),
            help="a LoadTest, NAME@RUN, a ConfigMap of results, a summary file, or a folder with results (./DIR)",
        )
    add_page_options(parser)


def compare(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Print two runs side by side, and write them as a page if that is asked for. Raises CommandError."""
    first, second = (_run(each, kubectl) for each in (options.first, options.second))
    style = style_of(sys.stdout)
    lines = comparison_lines((first.name, second.name), (first.summary, second.summary), in_colour=style.in_colour)
    if options.output == _STANDARD_OUTPUT:
        sys.stdout.write(comparison_page(first, second))
        return 0
    say(lines)
    if options.output or options.open:
        _write_page(Path(options.output or f"{first.name}_and_{second.name}.html"), options, first, second)
    return 0


def _write_page(path: Path, options: argparse.Namespace, first: ComparedRun, second: ComparedRun) -> None:
    _write(path, comparison_page(first, second).encode())
    print(path, flush=True)
    if options.open:
        _open(path)


def _open(path: Path) -> None:
    if not webbrowser.open(path.absolute().as_uri()):
        print("note: no browser can be opened here; open the file by hand", file=sys.stderr)


def results_of(reference: str, kubectl: Kubectl) -> Json:
    """The ConfigMap of a run's results: of the newest run of a test, of the run behind an @, or the one of that name.

    Raises CommandError.
    """
    if is_results_name(reference):
        return kubectl.json("get", "configmap", reference)
    name, at_sign, run_id = reference.partition("@")
    if at_sign:
        return _results_by_run_id(name, run_id, kubectl)
    test = kubectl.load_test(name)
    if not test.is_completed:
        raise CommandError(
            f"error: run {test.run_id} of {name} has not ended ({test.phase or 'no operator has seen it'})",
            f"`kubectl loadtest watch {name}{kubectl.flag_text}` waits for it; {_runs_hint(name, kubectl)}",
        )
    return results_of_test(test, kubectl)


def _results_by_run_id(name: str, run_id: str, kubectl: Kubectl) -> Json:
    """The results of the last run that had this id. What else bears the id is named. Raises CommandError."""
    selector = f"--selector={TEST_LABEL}={label_value(name)},{RUN_LABEL}={run_id}"
    items: list[Json] = kubectl.json("get", "configmaps", selector)["items"]
    # The label has the beginning of a long name alone.
    of_name = [item for item in items if owner_name(item) in (name, "")]
    if not of_name:
        raise CommandError(f"error: there are no results of run {run_id} of {name}", _runs_hint(name, kubectl))
    last, *others = sorted(of_name, key=_creation_time, reverse=True)
    if others:
        names = ", ".join(item["metadata"]["name"] for item in others)
        print(
            f"note: several runs of {name} had the id {run_id}; this is the last of them, written at"
            f" {_creation_time(last)}; the results of the others: {names}",
            file=sys.stderr,
        )
    return last


def _creation_time(config_map: Json) -> str:
    return str(config_map["metadata"].get("creationTimestamp", ""))


def results_of_test(test: LoadTest, kubectl: Kubectl) -> Json:
    """The ConfigMap of the results of a test that has ended. Raises CommandError if it has none of this run."""
    if test.results_name is None:
        raise CommandError(
            f"error: run {test.run_id} of {test.name} has no results: {test.message}",
            f"`kubectl loadtest describe {test.name}{kubectl.flag_text}` tells its story",
        )
    config_map = kubectl.in_namespace(test.namespace).json("get", "configmap", test.results_name)
    labels = config_map["metadata"].get("labels") or {}
    if (labels.get(UID_LABEL), labels.get(RUN_LABEL)) != (test.uid, str(test.status.get("runId"))):
        raise CommandError(f"error: ConfigMap {test.results_name} is not the results of run {test.run_id}")
    return config_map


def _runs_hint(name: str, kubectl: Kubectl) -> str:
    items: list[Json] = kubectl.json("get", "configmaps", f"--selector={TEST_LABEL}={label_value(name)}")["items"]
    runs = sorted(item["metadata"]["labels"].get(RUN_LABEL, "") for item in items)
    return f"runs with results: {', '.join(f'{name}@{run}' for run in runs)}" if runs else f"no run of {name} has any"


def _run(reference: str, kubectl: Kubectl) -> ComparedRun:
    """The run that a reference names. Raises CommandError."""
    path = Path(reference)
    if path.is_file() or ("/" in reference and path.is_dir()):
        try:
            return saved_run(path)
        except UsageError as error:
            raise CommandError(f"error: {error}") from error
    if path.suffix == ".json" or "/" in reference:
        raise WrongUsageError(f"error: there is no file {reference}")
    config_map = results_of(reference, kubectl)
    series = files_of(config_map).get(SERIES, b"").decode(errors="replace")
    name = run_name(config_map).replace("_", "@", 1)
    return ComparedRun(name, summary_in(config_map, reference), decoded_rows(series))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise CommandError(f"error: {path} cannot be written: {error.strerror}") from error
