"""The workflows are what their host understands, by a linter that knows expressions, contexts and the shell."""

import subprocess
from pathlib import Path

import pytest

from peers import PeerMissingError
from peers.go_program import go_program

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS = REPOSITORY / ".github" / "workflows"
RECIPE = REPOSITORY / "examples" / "pipeline" / "github-actions.yml"


@pytest.fixture(scope="module")
def actionlint() -> Path:
    try:
        return go_program("actionlint", packages=80)
    except PeerMissingError as error:
        pytest.skip(str(error))


def complaints(actionlint: Path, *files: Path) -> str:
    # The linters of other languages are left out, so that the answer is the same on every machine.
    command = [str(actionlint), "-no-color", "-oneline", "-shellcheck=", "-pyflakes=", *map(str, files)]
    process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert process.returncode in (0, 1), process.stderr
    return process.stdout


def test_the_linter_finds_nothing_in_the_workflows(actionlint: Path) -> None:
    files = sorted(WORKFLOWS.glob("*.yml"))

    assert [file.name for file in files] == ["ci.yml", "release.yml"]
    assert complaints(actionlint, *files, RECIPE) == ""


def test_the_linter_finds_a_step_that_is_not_there(actionlint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "release.yml"
    broken.write_text((WORKFLOWS / "release.yml").read_text().replace("steps.build.outputs", "steps.built.outputs"))

    assert 'property "built" is not defined' in complaints(actionlint, broken)
