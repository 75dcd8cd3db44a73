"""The settings of a pod, from its environment."""

from pathlib import Path

import msgspec
import pytest

from loadgen.fleet.environment import read_settings
from support.loadgen_plans import make_plan


def environment(**changes: str) -> dict[str, str]:
    plan = make_plan("http://127.0.0.1:8000/u/", parallelism=2, virtual_users=2)
    variables = {
        "LOADTEST_PLAN": msgspec.json.encode(plan).decode(),
        "JOB_COMPLETION_INDEX": "1",
        "POD_IP": "127.0.0.9",
        "POD_UID": "uid-1",
    }
    return {**variables, **changes}


def test_the_whole_environment_is_read() -> None:
    settings = read_settings(environment(TERMINATION_MESSAGE_PATH="/tmp/word"))

    assert (settings.pod_index, settings.ip, settings.pod_uid) == (1, "127.0.0.9", "uid-1")
    assert settings.plan.parallelism == 2
    assert settings.termination_path == Path("/tmp/word")


def test_the_last_word_goes_where_the_kubelet_looks_by_default() -> None:
    assert read_settings(environment()).termination_path == Path("/dev/termination-log")


@pytest.mark.parametrize("name", ["LOADTEST_PLAN", "JOB_COMPLETION_INDEX", "POD_IP", "POD_UID"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_settings(environment(**{name: ""}))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("JOB_COMPLETION_INDEX", "one", "whole number"),
        ("JOB_COMPLETION_INDEX", "2", r"2 pod\(s\)"),
        ("LOADTEST_PLAN", "{", "no plan"),
        ("LOADTEST_PLAN", '{"schema": 1}', "no plan"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(name: str, value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*{problem}"):
        read_settings(environment(**{name: value}))


def test_a_plan_of_another_schema_is_refused() -> None:
    plan = msgspec.structs.replace(make_plan("http://127.0.0.1:8000/u/"), schema=99)

    with pytest.raises(ValueError, match="schema 99"):
        read_settings(environment(LOADTEST_PLAN=msgspec.json.encode(plan).decode()))
