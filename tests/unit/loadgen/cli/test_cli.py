"""The command line up to where a command begins."""

import subprocess
import sys

import pytest

from loadgen.cli.main import main

URL = "http://127.0.0.1:1/u/"


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadgen.cli.main", "--version"], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0
    assert done.stdout.startswith("loadgen 0.")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_URL", "AUTH_TOKEN", "BATCH_SIZE", "CONCURRENCY", "DURATION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "arguments", [["walk"], ["verify", "--url"], ["run", "huge"], ["run", "light", "--format", "pdf"]]
)
def test_a_wrong_command_line_exits_with_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 64
    assert "usage: loadgen" in capsys.readouterr().err


def test_without_a_command_the_commands_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 64
    assert "verify that a target honours X-Load-Test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"), [(["run", "light"], 3), (["verify"], 3), (["sample"], 130), (["export", "k6"], 130)]
)
def test_ctrl_c_before_a_command_has_begun_shows_no_traceback(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"loadgen.cli.main._{arguments[0]}", interrupt)

    assert main(arguments) == status
    assert capsys.readouterr().err == f"loadgen {arguments[0]}: interrupted\n"


@pytest.mark.parametrize("arguments", [["run", "light"], ["verify"], ["sample"], ["export", "k6"]])
@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), ExceptionGroup("tasks", [ZeroDivisionError("by zero")])]
)
def test_a_defect_of_loadgen_is_never_the_status_of_a_target_at_fault_and_its_first_line_says_what_it_is(
    arguments: list[str], error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(f"loadgen.cli.main._{arguments[0]}", fail)

    assert main(arguments) == 2
    first, *trace = capsys.readouterr().err.splitlines()
    assert first == (
        f"loadgen {arguments[0]}: a defect of loadgen, not of the target: ZeroDivisionError: by zero;"
        " please report it with the lines below"
    )
    assert trace[-1] == "ZeroDivisionError: by zero"


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["rnu"], "run"),
        (["verfy"], "verify"),
        (["run", "haevy"], "heavy"),
        (["run", "light", "--durations", "1m"], "--duration"),
    ],
)
def test_a_near_miss_is_answered_with_what_may_be_meant(
    arguments: list[str], suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)

    assert f"did you mean {suggestion}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--url is missing"),
        (["--url", "ftp://django/u/"], "http or https"),
        (["--url", URL, "--batch-size", "0"], "--batch-size is 0;"),
        (["--url", URL, "--batch-size", "many"], "--batch-size is 'many'; write a whole number"),
        (["--url", URL, "--timeout", "soon"], "--timeout is 'soon'; write a number with a unit"),
        (["--url", URL, "--header", "X-Tenant"], "--header is 'X-Tenant'"),
        (["--url", URL, "--form-field", "=x"], "--form-field is '=x'"),
        (["--url", URL, "--marker", "a..b"], "--marker is 'a..b'"),
        (["--url", URL, "--require", "trust"], "--require is 'trust'"),
        (["--url", URL, "--deny", "ten"], "--deny is 'ten'"),
    ],
)
def test_a_wrong_value_exits_with_64_and_is_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 64
    assert message in capsys.readouterr().err


def test_an_export_needs_a_scenario_or_a_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "k6"]) == 64
    assert "name a scenario" in capsys.readouterr().err


def test_a_scenario_is_exported_without_a_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "k6", "heavy", "--url", URL]) == 0
    assert URL in capsys.readouterr().out


def test_the_help_of_run_says_what_each_scenario_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["run", "--help"])

    message = capsys.readouterr().out
    assert exit_.value.code == 0
    for purpose in ("basic function", "normal load", "high load", "one million records"):
        assert purpose in message
