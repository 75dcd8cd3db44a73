"""The scripts of `completion`, in the shells that they are for, and the words that kubectl is given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_loadtest.cli import completing
from kubectl_loadtest.commands.completion import SCRIPTS

ASK = {
    "bash": "COMP_WORDS=(kubectl-loadtest de); COMP_CWORD=1; _kubectl_loadtest; printf '%s\\n' \"${COMPREPLY[@]}\"",
    # The widget's own commands are there only while a line is edited.
    "zsh": "compadd() { print -l -- $answers }; words=(kubectl-loadtest de); CURRENT=2; _kubectl_loadtest",
    "fish": "complete -C 'kubectl-loadtest de'",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_completes_in_its_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = SCRIPTS[shell] if shell != "zsh" else f"compdef() {{ :; }}\n{SCRIPTS[shell]}"
    searched = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    answer = subprocess.run(
        [program, "-c", f"{script}\n{ASK[shell]}"],
        env={**os.environ, "PATH": searched},
        capture_output=True,
        text=True,
        check=True,
    )

    assert [line.partition("\t")[0] for line in answer.stdout.splitlines()] == ["describe"]


@pytest.mark.parametrize(
    ("words", "some", "directive"),
    [
        (["ru"], ["run\trun a scenario or a manifest, and wait for the verdict"], ":4"),
        (["run", "he"], ["heavy\thigh load"], ":4"),
        (["run", "--batch"], ["--batch-size"], ":4"),
        (["get", "-o", "w"], ["wide"], ":4"),
        (["completion", "f"], ["fish"], ":4"),
        (["run", "-f", ""], [], ":0"),
        (["unheard", "--x"], [], ":4"),
        (["--context"], ["--context"], ":4"),
        (["run", "--threshold", ""], [], ":4"),
    ],
)
def test_the_words_that_may_come_next(
    words: list[str], some: list[str], directive: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completing.main(words) == 0

    *lines, last = capsys.readouterr().out.splitlines()
    assert set(some) <= set(lines)
    assert (not some) <= (not lines)
    assert last == directive
