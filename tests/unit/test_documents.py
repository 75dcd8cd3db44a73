"""The documents keep step with the code."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("loadgen/loadtest_model", "loadgen/loadgen", "operator/loadtest_operator")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_its_place_in_the_architecture(package: str) -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    modules = {path.stem for path in (REPOSITORY / package).rglob("*.py")} - {"__init__"}

    named = set(re.findall(r"`([a-z_]+)`", text))

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
