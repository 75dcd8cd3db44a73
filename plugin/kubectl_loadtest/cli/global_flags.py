"""The flags that every command of kubectl takes, wherever they stand on the command line."""

import argparse
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from kubectl_loadtest.errors import WrongUsageError

VALUE_FLAGS: Final = (
    "--as",
    "--as-group",
    "--as-uid",
    "--as-user-extra",
    "--cache-dir",
    "--certificate-authority",
    "--client-certificate",
    "--client-key",
    "--cluster",
    "--context",
    "--kubeconfig",
    "--kuberc",
    "--log-flush-frequency",
    "--namespace",
    "--password",
    "--profile",
    "--profile-output",
    "--request-timeout",
    "--server",
    "--tls-server-name",
    "--token",
    "--user",
    "--username",
    "--v",
    "--vmodule",
)
SWITCHES: Final = (
    "--disable-compression",
    "--insecure-skip-tls-verify",
    "--match-server-version",
    "--warnings-as-errors",
)
SHORT_NAMES: Final = {"--namespace": "-n", "--server": "-s", "--v": "-v"}


class _Collect(argparse.Action):
    """Adds the flag to the list, as it is handed on."""

    def __call__(self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, *_: Any) -> None:
        flag = self.option_strings[0]
        namespace.flags.append(f"{flag}={value}" if self.nargs is None else flag)


class _FlagParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsageError(f"error: {message}")


def split_flags(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """kubectl's flags, in the form --name=value, and the other arguments in their order. Raises WrongUsageError."""
    parser = _FlagParser(add_help=False, allow_abbrev=False)
    parser.set_defaults(flags=[])
    for name in VALUE_FLAGS:
        short_name = SHORT_NAMES.get(name)
        parser.add_argument(name, *([short_name] if short_name else []), action=_Collect, dest="flags")
    for name in SWITCHES:
        # A switch has no value but the one behind its own `=`.
        parser.add_argument(name, action=_Collect, nargs=0, dest="flags")
    valued = [argument for argument in arguments if argument.partition("=")[0] in SWITCHES and "=" in argument]
    options, others = parser.parse_known_args([argument for argument in arguments if argument not in valued])
    return [*options.flags, *valued], others
