"""kubectl's own flags stand anywhere, in every form that kubectl takes."""

import argparse
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_loadtest.cli.global_flags import SHORT_NAMES, SWITCHES, VALUE_FLAGS, split_flags
from kubectl_loadtest.cli.parsing import command_parser
from kubectl_loadtest.commands.registry import COMMANDS
from kubectl_loadtest.errors import WrongUsageError
from peers.readers_of_status import kubectl

FORMS: dict[str, Callable[[str, str], list[str]]] = {
    "a word behind": lambda flag, value: [flag, value],
    "an equals sign": lambda flag, value: [f"{flag}={value}"],
}


@given(
    flags=st.lists(
        st.tuples(st.sampled_from(VALUE_FLAGS), st.sampled_from(["a", "b=c", "x y"]), st.sampled_from(list(FORMS)))
    ),
    others=st.lists(
        st.sampled_from(["get", "light", "-o", "json", "--url", "http://x/", "-f", "test.yaml", "-w"]), max_size=5
    ),
    data=st.data(),
)
def test_flags_are_collected_wherever_they_stand_and_all_else_keeps_its_order(
    flags: list[tuple[str, str, str]], others: list[str], data: st.DataObject
) -> None:
    groups = [FORMS[form](flag, value) for flag, value, form in flags]
    places = sorted(data.draw(st.integers(0, len(others))) for _ in groups)
    arguments: list[str] = []
    for place, other in enumerate([*others, None]):
        arguments += [word for at, group in zip(places, groups, strict=True) if at == place for word in group]
        arguments += [] if other is None else [other]

    collected, rest = split_flags(arguments)

    assert collected == [f"{flag}={value}" for flag, value, _ in flags]
    assert rest == others


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        (["-n", "shop"], ["--namespace=shop"]),
        (["-nshop"], ["--namespace=shop"]),
        (["-n=shop"], ["--namespace=shop"]),
        (["-v6"], ["--v=6"]),
        (["--warnings-as-errors"], ["--warnings-as-errors"]),
        (["--insecure-skip-tls-verify=false"], ["--insecure-skip-tls-verify=false"]),
        (["--as-group", "a", "--as-group=b"], ["--as-group=a", "--as-group=b"]),
    ],
)
def test_short_names_switches_and_repetitions_are_read_as_kubectl_reads_them(
    arguments: list[str], flags: list[str]
) -> None:
    assert split_flags(["get", *arguments, "light"]) == (flags, ["get", "light"])


def test_a_flag_without_its_value_is_wrong_usage() -> None:
    with pytest.raises(WrongUsageError, match="expected one argument"):
        split_flags(["get", "--context"])


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_of_a_command_is_a_flag_of_kubectl(name: str) -> None:
    parser: argparse.ArgumentParser = command_parser(name)

    for flag in (*VALUE_FLAGS, *SWITCHES, *SHORT_NAMES.values()):
        parser.add_argument(flag)


def test_the_flags_are_those_of_kubectl_itself() -> None:
    text = subprocess.run([str(kubectl()), "options"], capture_output=True, text=True, check=True).stdout
    listed = {line.split("=")[0].split()[-1] for line in text.splitlines() if line.startswith("    -")}

    assert listed - {*VALUE_FLAGS, *SWITCHES} == set()
