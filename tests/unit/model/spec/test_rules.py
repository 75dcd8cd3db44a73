"""What the API server refuses by its schema is refused without one as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from loadtest_model.admission.crd import spec_schema
from loadtest_model.spec import Spec
from loadtest_model.spec.validation import applicable_rules, broken_rules
from support.builders import a_spec
from support.generated_specs import UNREADABLE, specs, unreadable_specs
from support.wrong_manifests import WRONG

EXAMPLES = sorted((Path(__file__).resolve().parents[4] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("case", WRONG)
def test_what_the_api_server_refuses_is_refused_here(case: str) -> None:
    spec, path = WRONG[case]
    try:
        texts = [fault.message for fault in broken_rules(msgspec.convert(spec, Spec))]
    except msgspec.ValidationError as error:
        texts = [str(error)]

    assert any(path in text or path.removeprefix("spec.") in text.replace("$.", "") for text in texts)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_taken(path: Path) -> None:
    assert broken_rules(msgspec.convert(yaml.safe_load(path.read_text())["spec"], Spec)) == ()


def test_every_rule_of_the_schema_is_kept_by_some_generated_spec_and_broken_by_another() -> None:
    fulfilled_rules, violated_rules = set(), set()
    for spec in specs():
        for rule, value in applicable_rules(msgspec.convert(spec, Spec)):
            (fulfilled_rules if rule.holds(value) else violated_rules).add(rule.message)

    all_rules = set(_messages(spec_schema()))
    assert fulfilled_rules == all_rules
    assert violated_rules == all_rules


def test_some_generated_specs_break_no_rule() -> None:
    assert sum(broken_rules(msgspec.convert(spec, Spec)) == () for spec in specs()) > 20


@pytest.mark.parametrize("spec", list(unreadable_specs()), ids=[repr(assignment)[:80] for assignment in UNREADABLE])
def test_what_is_of_a_wrong_type_or_out_of_bounds_is_refused_when_it_is_read(spec: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(spec, Spec)


def test_every_pattern_of_the_schema_ends_where_the_text_ends() -> None:
    patterns = list(_patterns(msgspec.inspect.type_info(Spec)))

    assert len(patterns) > 20
    assert [pattern for pattern in patterns if not pattern.endswith(r"\Z")] == []


def test_the_value_that_breaks_a_rule_is_named_and_a_password_is_not() -> None:
    (too_long,) = broken_rules(a_spec(load={"duration": "168h"}))
    with_password = broken_rules(a_spec(target={"url": "http://u:secret@clients/"}))

    assert too_long.message.endswith("it is '168h'")
    assert with_password
    assert not any("secret" in fault.message.replace("a Secret", "") for fault in with_password)


def _messages(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (rule["message"] for rule in node.get("x-kubernetes-validations", ()))
        for entry in node.values():
            yield from _messages(entry)


def _patterns(node: Any) -> Iterator[str]:
    """Those of all texts in a type."""
    if isinstance(node, msgspec.inspect.StrType) and node.pattern is not None:
        yield node.pattern
    elif isinstance(node, msgspec.Struct):
        for name in node.__struct_fields__:
            yield from _patterns(getattr(node, name))
    elif isinstance(node, tuple):
        for entry in node:
            yield from _patterns(entry)
