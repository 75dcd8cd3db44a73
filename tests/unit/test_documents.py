"""The documents keep step with the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import generate_troubleshooting
from loadtest_model.causes import Cause
from loadtest_model.crd import custom_resource_definition

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *REPOSITORY.glob("*.md"),
    *(REPOSITORY / "docs").rglob("*.md"),
    *REPOSITORY.glob("examples/**/*.md"),
]
PACKAGES = ("loadgen/loadtest_model", "loadgen/loadgen", "operator/loadtest_operator")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_its_place_in_the_architecture(package: str) -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    modules = {path.stem for path in (REPOSITORY / package).rglob("*.py")} - {"__init__"}

    named = set(re.findall(r"`([a-z0-9_]+)`", text))

    assert modules - named == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{file.relative_to(REPOSITORY)} -> {target}#{anchor}"
        for file in DOCUMENTS
        for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", file.read_text())
        if not _leads_somewhere(file.parent / target if target else file, anchor)
    ]

    assert broken == []


def _leads_somewhere(file: Path, anchor: str) -> bool:
    """Whether there is such a file, with such a heading in it as GitHub makes anchors of them."""
    if not anchor:
        return file.exists()
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return anchor in [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_guide_is_within_reach_of_the_readme() -> None:
    named = re.findall(r"\]\(docs/([^)#]+)", (REPOSITORY / "README.md").read_text())

    assert {path.name for path in (REPOSITORY / "docs").glob("*.md")} <= set(named)


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    files = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]

    named = {name for file in files for name in re.findall(r"(?:^|`)make ([a-z-]+)", file.read_text(), re.MULTILINE)}

    assert named <= targets


def test_troubleshooting_has_every_cause_once_and_as_the_code_tells_it() -> None:
    held = (REPOSITORY / "docs" / "troubleshooting.md").read_text()

    assert sorted(cause for causes in generate_troubleshooting.GROUPS.values() for cause in causes) == sorted(Cause)
    assert generate_troubleshooting.document(held) == held


def test_every_field_of_a_spec_is_explained() -> None:
    schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    unexplained = [path for path, node in _fields("spec", schema["properties"]["spec"]) if not node.get("description")]

    assert unexplained == []


def _fields(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in node.get("properties", {}).items():
        yield f"{path}.{name}", value
        for held in (value, value.get("items"), value.get("additionalProperties")):
            if isinstance(held, dict):
                yield from _fields(f"{path}.{name}", held)
