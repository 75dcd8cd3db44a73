"""The documents keep step with the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.explanations import EXPLANATION_GROUPS
from loadtest_model.measurement.causes import Cause
from loadtest_model.plan.exposure import STOP_SECONDS
from loadtest_model.reasons import Reason
from tools import generate_troubleshooting

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENTS = [
    *REPOSITORY.glob("*.md"),
    *(REPOSITORY / "docs").rglob("*.md"),
    *REPOSITORY.glob("examples/**/*.md"),
    *REPOSITORY.glob("localcluster/*.md"),
]
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text()
PACKAGES = ("model/loadtest_model", "loadgen/loadgen", "operator/loadtest_operator", "plugin/kubectl_loadtest")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_architecture_tells_of_every_room_of_a_package_and_of_no_other(package: str) -> None:
    section = ARCHITECTURE.partition(f": `{package}/`\n")[2].partition("\n## ")[0]

    rooms = {path.parent.name for path in (REPOSITORY / package).glob("*/__init__.py")}

    assert set(re.findall(r"^- \*\*`([a-z_]+)/`\*\*", section, re.MULTILINE)) == rooms


@pytest.mark.parametrize("package", PACKAGES)
def test_the_architecture_names_every_module_that_belongs_to_no_room(package: str) -> None:
    introduction = ARCHITECTURE.partition(f": `{package}/`\n")[2].partition("\n- ")[0]

    modules = {path.stem for path in (REPOSITORY / package).glob("*.py")} - {"__init__"}

    assert modules - set(re.findall(r"`([a-z_]+)`", introduction)) == set()


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_path_that_a_document_for_contributors_names_exists(document: str) -> None:
    folders = "|".join(path.name for path in REPOSITORY.iterdir() if path.is_dir())

    paths = set(re.findall(rf"`((?:{folders})/[\w./-]+)`", (REPOSITORY / document).read_text()))

    assert paths
    # Pictures are made by hand, and are not committed.
    assert {path for path in paths if not (REPOSITORY / path).exists()} <= {"docs/screenshots/"}


def test_every_file_on_the_ways_through_the_architecture_exists_and_each_way_is_short() -> None:
    ways = ARCHITECTURE.partition("## Three ways to follow\n")[2].partition("\n## ")[0]

    by_way = [
        re.findall(r"^\d+\. `([^`]+)`", way, re.MULTILINE)
        for way in re.split(r"^\*\*From ", ways, flags=re.MULTILINE)[1:]
    ]

    assert [file for way in by_way for file in way if not (REPOSITORY / file).exists()] == []
    assert all(0 < len(way) <= most for way, most in zip(by_way, (12, 14, 9), strict=True))


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


def test_every_guide_is_in_the_table_of_contents_and_the_readme_leads_there() -> None:
    named = re.findall(r"^- \[[^]]+\]\(([^)#]+)\)", (REPOSITORY / "docs" / "index.md").read_text(), re.MULTILINE)

    assert {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"index.md"} <= set(named)
    assert "](docs/index.md)" in (REPOSITORY / "README.md").read_text()


def test_every_make_target_in_the_documents_and_workflows_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    documents = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]
    workflows = [*(REPOSITORY / ".github" / "workflows").glob("*.yml")]
    mention = re.compile(r"(?:^|`|run: (?:sudo \S+ )?)make (?:--[a-z-]+ )*([a-z-]+)", re.MULTILINE)

    by_file = {file.name: set(mention.findall(file.read_text())) for file in documents + workflows}

    assert set.union(*by_file.values()) <= targets
    assert {"check", "docs", "test", "test-node"} <= by_file["ci.yml"]
    assert {"release-check", "package", "chart"} <= by_file["release.yml"]


def test_troubleshooting_has_every_cause_once_and_as_the_code_tells_it() -> None:
    held = (REPOSITORY / "docs" / "troubleshooting.md").read_text()

    assert sorted(cause for group in EXPLANATION_GROUPS.values() for cause in group) == sorted(Cause)
    assert generate_troubleshooting.document(held) == held


@pytest.mark.parametrize("name", [*Cause, *Reason])
def test_every_reason_and_cause_leads_from_the_index_to_the_section_that_explains_it(name: str) -> None:
    index, _, rest = (REPOSITORY / "docs" / "troubleshooting.md").read_text().partition("<!-- end of index -->")
    (row,) = re.findall(rf"^\|.*`{name}`.*$", index, re.MULTILINE)
    heading, page = re.findall(r"\[([^]]+)\]\(([^)#]*)#[^)]+\) \|$", row)[0]
    text = (REPOSITORY / "docs" / page).read_text() if page else rest

    section = text.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]

    assert f"`{name}`" in section


@pytest.mark.parametrize("page", ["semantics.md", "compared.md", "generator.md"])
def test_the_time_that_a_stop_may_take_is_the_one_that_the_code_keeps(page: str) -> None:
    text = (REPOSITORY / "docs" / page).read_text()

    assert re.search(rf"within (the )?{STOP_SECONDS:g} s\b", text)


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
