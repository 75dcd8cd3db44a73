"""`kubectl-loadtest`, which kubectl runs as `kubectl loadtest`."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from kubectl_loadtest.cli.global_flags import split_flags
from kubectl_loadtest.cli.parsing import overview, parse
from kubectl_loadtest.commands.registry import COMMANDS
from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.kubectl import kubectl_of
from loadgen.screen.lasting import discard_all, write_if_possible
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.release import installed_version

_HELP: Final = ("--help", "-h", "help")
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Not every terminal and pipe is UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except CommandError as error:
        hint = f"hint: {error.hint}\n" if error.hint else ""
        write_if_possible(sys.stderr, f"{error.message}\n{hint}")
        return error.status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it; nothing is left to be flushed there.
        discard_all(sys.stdout)
        return 0


def _run(arguments: Sequence[str]) -> int:
    flags, others = split_flags(arguments)
    if not others:
        print(overview(), file=sys.stderr)
        return ExitStatus.USAGE
    name, *rest = others
    if name in _HELP:
        print(overview())
        return 0
    if name == "--version":
        print(f"kubectl-loadtest {installed_version()}")
        return 0
    options = parse(name, rest)
    return COMMANDS[name].run(options, kubectl_of(os.environ, flags))


if __name__ == "__main__":
    sys.exit(main())
