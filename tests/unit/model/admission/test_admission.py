"""What the API server refuses by its schema is refused without one as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from loadtest_model.admission.cel import parse
from loadtest_model.admission.schema_rules import refusals, spec_schema, with_defaults
from loadtest_model.spec import Spec
from support.wrong_manifests import URL, WRONG

EXAMPLES = sorted((Path(__file__).resolve().parents[4] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("case", WRONG)
def test_what_the_api_server_refuses_is_refused_here(case: str) -> None:
    spec, named = WRONG[case]
    said = list(refusals(spec))
    try:
        msgspec.convert(spec, Spec)
    except msgspec.ValidationError as error:
        said.append(str(error))

    assert said
    assert any(named in text or named.removeprefix("spec.") in text.replace("$.", "") for text in said)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_taken(path: Path) -> None:
    assert refusals(yaml.safe_load(path.read_text())["spec"]) == ()


def test_every_rule_of_the_schema_can_be_read() -> None:
    for text in _rules(spec_schema()):
        parse(text)


def test_the_value_that_breaks_a_rule_is_named_and_a_password_is_not() -> None:
    (too_long,) = refusals({"target": {"url": URL}, "scenario": "light", "load": {"duration": "168h"}})
    with_password = refusals({"target": {"url": "http://u:secret@clients/"}, "scenario": "light"})

    assert too_long.endswith("it is '168h'")
    assert with_password
    assert not any("secret" in text.replace("a Secret", "") for text in with_password)


def test_defaults_are_filled_in_at_every_depth_and_null_counts_as_nothing() -> None:
    filled = with_defaults(spec_schema(), {"target": {"url": URL, "fileField": None}, "scenario": "light"})

    assert filled["target"]["fileField"] == "file"
    assert filled["target"]["response"]["marker"] == "load_test_mode"
    assert filled["parallelism"] == 1


def _rules(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (rule["rule"] for rule in node.get("x-kubernetes-validations", ()))
        for below in node.values():
            yield from _rules(below)
    elif isinstance(node, list):
        for below in node:
            yield from _rules(below)
