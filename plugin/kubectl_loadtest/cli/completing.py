"""`kubectl_complete-loadtest`, which kubectl asks for the words that may come next.

Its arguments are those behind `kubectl loadtest`, the last of them the beginning of the word, which may be empty. It
writes a word a line, each with what it means behind a tab, and at the end a colon with a number: 4 if file names make
no sense, else 0.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from kubectl_loadtest.cli.global_flags import SHORT_NAMES, SWITCHES, VALUE_FLAGS, split_flags
from kubectl_loadtest.cli.parsing import command_parser, options_of
from kubectl_loadtest.commands.completion import SCRIPTS
from kubectl_loadtest.commands.registry import COMMANDS
from kubectl_loadtest.errors import CommandError, WrongUsageError
from kubectl_loadtest.kubectl import Kubectl, kubectl_of
from kubectl_loadtest.resources.load_test import RESOURCE
from loadgen.options.run_options import SCENARIOS
from loadtest_model.load.scenarios import PRESETS

NO_FILES: Final = 4
FILES_TOO: Final = 0

_OPTIONS_WITH_FILES: Final = ("-f", "--filename", "--out", "-o", "--output")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the words that may come next. A completion that cannot be had is none, not an error."""
    *before, beginning = (sys.argv[1:] if arguments is None else arguments) or [""]
    try:
        words = list(_words(before, beginning))
    except CommandError:
        words = []
    for word, meaning in words:
        if word.startswith(beginning):
            print(f"{word}\t{meaning}" if meaning else word)
    takes_files = not words and (not before or before[-1] in _OPTIONS_WITH_FILES or before[0] == "compare")
    print(f":{FILES_TOO if takes_files else NO_FILES}")
    return 0


def _words(before: Sequence[str], beginning: str) -> Iterator[tuple[str, str]]:
    if before and (name := _whole_name(before[-1])) in VALUE_FLAGS:
        yield from _values(name, _kubectl(before[:-1]))
        return
    _, others = split_flags(before)
    if not others:
        yield from ((name, command.help) for name, command in COMMANDS.items())
    elif beginning.startswith("-"):
        yield from ((name, "") for name in options_of(command_parser(others[0])))
    elif others[-1] in ("-o", "--output") and others[0] in ("run", "rerun", "watch", "get"):
        yield from ((form, "") for form in ("json", "yaml", "name", *(("wide",) if others[0] == "get" else ())))
    elif others[-1].startswith("-"):
        return
    elif others[0] == "run" and len(others) == 1:
        yield from ((scenario, PRESETS[scenario].purpose if scenario in PRESETS else "") for scenario in SCENARIOS)
    elif others[0] == "completion":
        yield from ((shell, "") for shell in SCRIPTS)
    elif others[0] in COMMANDS and COMMANDS[others[0]].completes_tests:
        yield from _names(_kubectl(before), "get", RESOURCE)
    if not others and beginning.startswith("-"):
        yield from ((flag, "") for flag in (*VALUE_FLAGS, *SWITCHES))


def _whole_name(flag: str) -> str:
    return next((name for name, short_name in SHORT_NAMES.items() if short_name == flag), flag)


def _kubectl(before: Sequence[str]) -> Kubectl:
    try:
        flags, _ = split_flags(before)
    except WrongUsageError:
        flags = []
    return kubectl_of(os.environ, flags)


def _values(flag: str, kubectl: Kubectl) -> Iterator[tuple[str, str]]:
    match flag:
        case "--namespace":
            yield from _names(kubectl, "get", "namespaces")
        case "--context":
            yield from ((name, "") for name in kubectl.text("config", "get-contexts", "--output=name").split())


def _names(kubectl: Kubectl, *arguments: str) -> Iterator[tuple[str, str]]:
    for name in kubectl.text(*arguments, "--output=name", "--request-timeout=3s").split():
        yield name.rpartition("/")[2], ""
