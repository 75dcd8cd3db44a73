"""The page about the plugin keeps step with its commands."""

import re
from pathlib import Path

from kubectl_loadtest.cli.parsing import command_parser, options_of
from kubectl_loadtest.commands.registry import COMMANDS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "plugin.md").read_text(encoding="utf-8")


def test_every_command_has_a_row_and_no_other_does() -> None:
    rows = [re.findall(r"`([a-z]+)[ `]", row) for row in re.findall(r"^\| (`[a-z].*?) \| [a-z]", PAGE, re.MULTILINE)]

    assert [name for row in rows for name in dict.fromkeys(row)] == list(COMMANDS)


def test_the_page_names_no_option_that_no_command_has() -> None:
    known_options = {option for name in COMMANDS for option in options_of(command_parser(name))}
    flags_of_kubectl = {"--context", "--kubeconfig", "--as"}
    options_of_loadgen_alone = {"--token-file", "--header-env"}

    named = set(re.findall(r"--[a-z][a-z-]+", PAGE))

    assert named - known_options - flags_of_kubectl - options_of_loadgen_alone == set()
