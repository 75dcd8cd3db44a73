"""Rules on the spec. A rule expresses what types and bounds cannot, such as a relation between two fields.

Each rule is one value with two halves. The API server evaluates the CEL text. The plan and the command line call the
predicate. A test asks a real API server about generated specs and compares its refusals with those of the predicates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.values import nanoseconds_of

T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """A condition on a value of type T.

    `cel` is evaluated on the value as JSON, after the API server has filled in the defaults. `holds` is called with
    the decoded value. `reason` is the reason of a test that breaks the rule although the API server accepted it.
    """

    cel: str
    message: str
    holds: Callable[[T], bool]
    reason: Reason = Reason.SpecInvalid


def rule_annotation(*rules: Rule[Any]) -> Meta:
    """The annotation of a field that attaches rules to its value."""
    return Meta(extra_json_schema=schema_validations(rules), extra={"rules": rules})


def schema_validations(rules: tuple[Rule[Any], ...]) -> dict[str, Any]:
    """The part of a Kubernetes schema that contains the rules."""
    return {"x-kubernetes-validations": [{"rule": rule.cel, "message": rule.message} for rule in rules]}


def re2_pattern(pattern: str) -> str:
    r"""The same pattern for RE2, the API server's engine. Its $ matches only at the end, as Python's \Z does."""
    return pattern.replace(r"\Z", "$")


def cel_string(pattern: str) -> str:
    """A pattern as a string literal of CEL."""
    escaped = re2_pattern(pattern).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return f"'{escaped}'"


def duration_range(path: str, least: str, most: str) -> Rule[str]:
    """The rule that a duration lies between two bounds, which are allowed values themselves."""
    shortest, longest = nanoseconds_of(least), nanoseconds_of(most)
    return Rule(
        cel=f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')",
        message=f"{path} must lie between {least} and {most}",
        holds=lambda text: shortest <= nanoseconds_of(text) <= longest,
    )
