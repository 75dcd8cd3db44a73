"""The command line: commands for people, and `loadgen pod` in the cluster.

Each command's module is imported when it is called for, so that `--version` and usage errors come at once.
"""

import argparse
import difflib
import gc
import io
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from loadgen.options.errors import UsageError
from loadgen.options.records_options import (
    FIELD_HELP,
    FIELDS_DESCRIPTION,
    SAMPLE_DESCRIPTION,
    add_fields_command_options,
    add_fields_option,
    add_records_options,
    add_sample_options,
)
from loadgen.options.run_options import (
    DEBUG_HELP,
    EXPORT_DESCRIPTION,
    RUN_DESCRIPTION,
    SCENARIOS,
    VERIFY_DESCRIPTION,
    add_compare_options,
    add_load_options,
    add_local_options,
    add_output_options,
    add_target_options,
    run_epilog,
)
from loadgen.screen.lasting import discard_all, write_if_possible
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.release import installed_version

INTERRUPTED_EXITS: Final = {"run": ExitStatus.NEVER_LOADED, "verify": ExitStatus.NEVER_LOADED}
"""Where Ctrl-C comes before a command has begun what it counts by itself: nothing was loaded."""

OPTION: Final = re.compile(r"^  (?:-\w.*, )?(--[\w-]+)", re.MULTILINE)
"""An option in the help of a command."""

_CHOICE: Final = re.compile(r"invalid choice: '(?P<choice>.*)' \(choose from (?P<choices>.*)\)")


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        # What an abbreviation means would change with every option that is added.
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {_with_near_match(message)}\n")


def _with_near_match(message: str) -> str:
    """What argparse says of a wrong choice, and the choice that may have been meant."""
    match = _CHOICE.search(message)
    if match is None:
        return message
    choices = [name.strip("' ") for name in match["choices"].split(",")]
    near_matches = difflib.get_close_matches(match["choice"], choices, n=1)
    return f"{message}; did you mean {near_matches[0]}?" if near_matches else message


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives its exit status."""
    _escape_unencodable_characters()
    parser = command_parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        return ExitStatus.USAGE
    options, unknown_arguments = parser.parse_known_args(arguments)
    if unknown_arguments:
        _refuse_unknown(options.parser, unknown_arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except UsageError as error:
        print(f"loadgen {options.command}: {error}", file=sys.stderr)
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        print(f"loadgen {options.command}: interrupted", file=sys.stderr)
        return INTERRUPTED_EXITS.get(options.command, 130)
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does.
        discard_all(sys.stdout)
        return ExitStatus.INCONCLUSIVE
    except Exception as error:
        # Python would exit with 1, which says that the target is at fault.
        from loadgen.load.share import sole_error  # noqa: PLC0415 - see the module's docstring

        defect = sole_error(error)
        write_if_possible(
            sys.stderr,
            f"loadgen {options.command}: a defect of loadgen, not of the target: {type(defect).__name__}: {defect};"
            f" please report it with the lines below\n{''.join(traceback.format_exception(defect))}",
        )
        return ExitStatus.INCONCLUSIVE


def _escape_unencodable_characters() -> None:
    """Write what an encoding lacks as escapes: not every terminal and pipe is UTF-8, least of all on Windows."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _refuse_unknown(command: argparse.ArgumentParser, unknown_arguments: Sequence[str]) -> NoReturn:
    near_matches = difflib.get_close_matches(
        unknown_arguments[0].partition("=")[0], OPTION.findall(command.format_help()), n=1
    )
    suggestion = f"; did you mean {near_matches[0]}?" if near_matches else ""
    command.error(f"unrecognized arguments: {' '.join(unknown_arguments)}{suggestion}")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"loadgen {installed_version()}")
        parser.exit(0)


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(prog="loadgen", description="Proves an upload API safe to load, and loads it.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="verify a target, load it, and give a verdict",
        usage="loadgen run [SCENARIO] [-f FILE] [--url URL] [OPTION ...]",
        description=RUN_DESCRIPTION,
        epilog=run_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_run(run)
    _add_verify(
        commands.add_parser(
            "verify",
            help="verify that a target honours X-Load-Test, and load nothing",
            usage="loadgen verify [-f FILE] [--url URL] [OPTION ...]",
            description=VERIFY_DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    _add_export(
        commands.add_parser(
            "export",
            help="write the same test for k6 or Artillery",
            usage="loadgen export {k6,artillery} [SCENARIO] [-f FILE] [--url URL] [--to FILE] [OPTION ...]",
            description=EXPORT_DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    sample = commands.add_parser(
        "sample",
        help="show what the records look like",
        usage="loadgen sample [--rows N] [-f FILE] [OPTION ...]",
        description=SAMPLE_DESCRIPTION,
        epilog=FIELD_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sample.set_defaults(run=_sample, parser=sample)
    add_sample_options(sample)
    compare = commands.add_parser("compare", help="show two runs side by side, from their files")
    compare.set_defaults(run=_compare, parser=compare)
    for name in ("first", "second"):
        compare.add_argument(name, metavar=name[0].upper(), help="the summary of a run, or a folder with its files")
    add_compare_options(compare)
    fields = commands.add_parser(
        "fields",
        help="write the columns of a file of your own",
        usage="loadgen fields {--from-csv FILE | --from-xlsx FILE} [OPTION ...]",
        description=FIELDS_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fields.set_defaults(run=_fields, parser=fields)
    add_fields_command_options(fields)
    pod = commands.add_parser("pod", help="run as a pod of a fleet, told what to do by the environment")
    pod.set_defaults(run=_pod, parser=pod)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_run, parser=parser)
    _add_scenario(parser, help=f"{', '.join(SCENARIOS)}; see below")
    parser.add_argument("-f", "--file", metavar="FILE", help="a LoadTest manifest; it means what it means in a cluster")
    add_target_options(parser)
    add_local_options(parser)
    add_load_options(parser)
    add_records_options(parser)
    add_output_options(parser)


def _add_scenario(parser: argparse.ArgumentParser, *, help: str) -> None:  # noqa: A002 - as argparse calls it
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, metavar="SCENARIO", help=help)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_verify, parser=parser)
    parser.add_argument("-f", "--file", metavar="FILE", help="a LoadTest manifest, whose target is verified")
    add_target_options(parser)
    add_local_options(parser)
    add_fields_option(parser.add_argument_group("records"))
    parser.add_argument(
        "--batch-size",
        metavar="N",
        help="rows of the full-size batch (or BATCH_SIZE; default: 1000, with -f the manifest's)",
    )
    parser.add_argument("--debug", action="store_true", help=DEBUG_HELP)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_export, parser=parser)
    parser.add_argument("tool", choices=("k6", "artillery"), help="the tool that is to run the test")
    _add_scenario(parser, help=", ".join(SCENARIOS))
    parser.add_argument("-f", "--file", metavar="FILE", help="a LoadTest manifest")
    parser.add_argument("--to", metavar="FILE", help="where the test is written (default for k6: standard output)")
    add_target_options(parser)
    add_local_options(parser)
    add_load_options(parser)
    add_fields_option(parser.add_argument_group("records"))


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Collect nothing while modules are imported, and never look at them again.

    A full collection looks at every object there is: with all modules in it holds up the event loop for 20 to 40 ms,
    and importing them takes a tenth longer.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _run(options: argparse.Namespace) -> int:
    with without_garbage_collection():
        from loadgen.cli.run_command import run_load_test  # noqa: PLC0415 - see the module's docstring

    return run_load_test(options)


def _verify(options: argparse.Namespace) -> int:
    with without_garbage_collection():
        from loadgen.cli.verify_command import run_verify  # noqa: PLC0415 - see the module's docstring

    return run_verify(options)


def _sample(options: argparse.Namespace) -> int:
    from loadgen.cli.sample_command import run_sample  # noqa: PLC0415 - see the module's docstring

    return run_sample(options)


def _fields(options: argparse.Namespace) -> int:
    from loadgen.cli.fields_command import run_fields  # noqa: PLC0415 - see the module's docstring

    return run_fields(options)


def _export(options: argparse.Namespace) -> int:
    from loadgen.cli.export_command import run_export  # noqa: PLC0415 - see the module's docstring

    return run_export(options)


def _compare(options: argparse.Namespace) -> int:
    from loadgen.cli.compare_command import run_compare  # noqa: PLC0415 - see the module's docstring

    return run_compare(options)


def _pod(_options: argparse.Namespace) -> int:
    with without_garbage_collection():
        from loadgen.cli.pod_command import run_pod  # noqa: PLC0415 - see the module's docstring

    return run_pod()


if __name__ == "__main__":
    sys.exit(main())
