"""The documents keep step with the code."""

import importlib.util
import re
from pathlib import Path

import pytest

from loadtest_model.causes import Cause

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("loadgen/loadtest_model", "loadgen/loadgen", "operator/loadtest_operator")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_its_place_in_the_architecture(package: str) -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    modules = {path.stem for path in (REPOSITORY / package).rglob("*.py")} - {"__init__"}

    named = set(re.findall(r"`([a-z0-9_]+)`", text))

    assert modules - named == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{file.relative_to(REPOSITORY)} -> {target}"
        for file in [
            *REPOSITORY.glob("*.md"),
            *(REPOSITORY / "docs").rglob("*.md"),
            *REPOSITORY.glob("examples/**/*.md"),
        ]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())
        if not (file.parent / target).exists()
    ]

    assert broken == []


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    files = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]

    named = {name for file in files for name in re.findall(r"(?:^|`)make ([a-z-]+)", file.read_text(), re.MULTILINE)}

    assert named <= targets


def test_troubleshooting_has_every_cause_once_and_as_the_code_tells_it() -> None:
    path = REPOSITORY / "docs" / "generate_troubleshooting.py"
    spec = importlib.util.spec_from_file_location("generate_troubleshooting", path)
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    held = (REPOSITORY / "docs" / "troubleshooting.md").read_text()

    assert sorted(cause for causes in generate.GROUPS.values() for cause in causes) == sorted(Cause)
    assert generate.document(held) == held
