"""docs/security.md tells the rights that the chart gives, all of them and no others."""

import re
from pathlib import Path
from typing import Any

from support.manifest_tools import read_documents

REPOSITORY = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| (?P<resources>[^|]*`[^|]*) \| (?P<verbs>[a-z, ]+) \|", re.MULTILINE)
Rights = set[tuple[str, str, str]]


def documented() -> Rights:
    """What the rows of the tables say, as (group, resource, verb); a group is a name with a dot, or one without `s`."""
    text = (REPOSITORY / "docs" / "security.md").read_text()
    (section,) = re.findall(r"## The rights of the operator\n(.*?)\nIn its own namespace", text, re.DOTALL)
    found: Rights = set()
    for row in ROW.finditer(section):
        named = re.findall(r"`([^`]+)`", row["resources"])
        is_grouped = "." in named[0] or named[0] in ("batch", "apps")
        group, resources = (named[0], named[1:]) if is_grouped else ("", named)
        found |= {(group, resource, verb) for resource in resources for verb in row["verbs"].split(", ")}
    return found


def given() -> Rights:
    (role,) = [
        document
        for document in read_documents((REPOSITORY / "charts" / "install.yaml").read_text())
        if document["kind"] == "ClusterRole" and document["metadata"]["name"] == "loadtest-operator"
    ]
    rules: list[dict[str, Any]] = role["rules"]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_document_tells_the_rights_that_are_given() -> None:
    assert documented() == given()
