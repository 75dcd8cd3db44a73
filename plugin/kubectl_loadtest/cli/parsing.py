"""The parsers of the command line, with errors as kubectl has them."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from kubectl_loadtest.commands.registry import COMMANDS
from kubectl_loadtest.errors import WrongUsageError
from loadtest_model.suggestions import suggestion

PROGRAM: Final = "kubectl loadtest"
OPTION: Final = re.compile(r"^  (?:(?P<short>-\w)(?: [^,]+)?, )?(?P<long>--[\w-]+)", re.MULTILINE)
"""An option in the help of a command."""

_FLAGS_NOTE: Final = "The flags of kubectl (`kubectl options`) may stand anywhere, such as -n, --context, --as."


class CommandParser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, **settings: Any) -> None:
        # What an abbreviation means would change with every option that is added.
        super().__init__(**settings, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        raise WrongUsageError(f"error: {message}", f"`{self.prog} --help` lists the options")


def command_parser(name: str) -> CommandParser:
    """The parser of a command. Raises WrongUsageError if there is none of that name."""
    if name not in COMMANDS:
        raise WrongUsageError(
            f'error: unknown command "{name}" for "{PROGRAM}"; {suggestion(name, COMMANDS)}',
            f"`{PROGRAM} --help` lists the commands",
        )
    command = COMMANDS[name]
    parser = CommandParser(prog=f"{PROGRAM} {name}", description=f"{command.help[:1].upper()}{command.help[1:]}.")
    command.add_options(parser)
    parser.epilog = f"{parser.epilog}\n{_FLAGS_NOTE}" if parser.epilog else _FLAGS_NOTE
    return parser


def parse(name: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command. Raises WrongUsageError."""
    parser = command_parser(name)
    options, unknown_arguments = parser.parse_known_args(arguments)
    if unknown_arguments:
        unknown = unknown_arguments[0].partition("=")[0]
        if unknown.startswith("-"):
            near = suggestion(unknown, options_of(parser))
            parser.error(f"unknown flag: {unknown}" + (f"; {near}" if near.startswith("did") else ""))
        parser.error(f"unexpected argument: {unknown}")
    return options


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """The options of a command by their long names."""
    return [match["long"] for match in OPTION.finditer(parser.format_help())]


def overview() -> str:
    """What the plugin can do."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "Runs load tests in a cluster, and shows what they came to, with your own rights.",
            "",
            f"usage: {PROGRAM} COMMAND [OPTION ...]",
            "",
            "commands:",
            *lines,
            "",
            _FLAGS_NOTE,
            f"`{PROGRAM} COMMAND --help` lists the options of a command, `{PROGRAM} --version` the version.",
            "",
            "examples:",
            f"  {PROGRAM} run light --url http://clients:8000/clients/upload/process/",
            f"  {PROGRAM} run -f loadtest.yaml --stop-on-interrupt",
            f"  {PROGRAM} report light --open",
        ]
    )
