"""The command line: `loadgen pod` in the cluster, `loadgen verify` by hand.

Each command's module is imported when it is called for, so that `--version` and usage errors come at once.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final, NoReturn

USAGE_EXIT: Final = 64
"""The exit status of a wrong command line (EX_USAGE of sysexits.h); argparse's own, 2, belongs to shells."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_EXIT, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives its exit status."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    return run(parsed)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"loadgen {version('loadtest-operator')}")
        parser.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="loadgen", description="Proves an upload API safe to load, and loads it.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    pod = commands.add_parser("pod", help="run as a pod of a fleet, told what to do by the environment")
    pod.set_defaults(run=_pod)
    _add_verify(commands.add_parser("verify", help="verify that a target honours X-Load-Test, and load nothing"))
    return parser


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_verify)
    parser.add_argument("--url", required=True, help="where files are uploaded")
    parser.add_argument(
        "--header", action="append", default=[], metavar="NAME: VALUE", help="further request header; repeatable"
    )
    parser.add_argument("--token-file", metavar="PATH", help="file with the token for the Authorization header")
    parser.add_argument("--auth-scheme", default="Bearer", help="word before the token (default: %(default)s)")
    parser.add_argument("--file-field", default="file", help="name of the form's file field (default: %(default)s)")
    parser.add_argument(
        "--form-field", action="append", default=[], metavar="NAME=VALUE", help="further form field; repeatable"
    )
    parser.add_argument(
        "--batch-size", type=int, default=1_000, help="rows of the full-size batch (default: %(default)s)"
    )
    parser.add_argument("--timeout", default="120s", help="longest time for one upload (default: %(default)s)")
    parser.add_argument(
        "--require",
        choices=("Acknowledged", "Echoed"),
        default="Acknowledged",
        help="level of proof that is enough (default: %(default)s)",
    )
    parser.add_argument("--marker", default="load_test_mode", help="path of the marker in the answer's JSON")
    parser.add_argument("--count", default="processed_count", help="path of the count in the answer's JSON")
    parser.add_argument("--nonce", default="load_test_nonce", help="path of the nonce in the answer's JSON")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _pod(_parsed: argparse.Namespace) -> int:
    from loadgen.pod_command import run_pod  # noqa: PLC0415 - see the module's docstring

    return run_pod()


def _verify(parsed: argparse.Namespace) -> int:
    from loadgen.verify_command import UsageError, run_verify  # noqa: PLC0415 - see the module's docstring

    try:
        return run_verify(parsed)
    except UsageError as error:
        print(f"loadgen verify: {error}", file=sys.stderr)
        return USAGE_EXIT


if __name__ == "__main__":
    sys.exit(main())
