"""The command line up to where a command begins."""

import subprocess
import sys

import pytest

from loadgen.cli import main

URL = "http://127.0.0.1:1/u/"


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadgen.cli", "--version"], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0
    assert done.stdout.startswith("loadgen 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["verify"],
        ["verify", "--url"],
        ["verify", "--url", URL, "--require", "Trust"],
        ["verify", "--url", URL, "--batch-size", "many"],
    ],
)
def test_a_wrong_command_line_exits_with_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 64
    assert "usage: loadgen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "ftp://django/u/"], "http or https"),
        (["--url", URL, "--batch-size", "0"], "batchSize"),
        (["--url", URL, "--timeout", "soon"], "timeout"),
        (["--url", URL, "--header", "X-Tenant"], "--header is 'X-Tenant'"),
        (["--url", URL, "--form-field", "=x"], "--form-field is '=x'"),
        (["--url", URL, "--marker", "a..b"], "marker"),
    ],
)
def test_a_wrong_value_exits_with_64_and_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 64
    assert said in capsys.readouterr().err
