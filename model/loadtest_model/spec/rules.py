"""What a rule on the spec is: its text for the API server, its predicate for everybody else, and one message.

Types and bounds are in the types themselves; a rule says what they cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Meta

from loadtest_model.values import nanoseconds_of

T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """What must hold of a value of type T.

    `cel` says it in the API server's language, of the value as JSON with every default filled in; `holds` says the
    same of the decoded value. `reason` is that of a test which is refused for it although the API server took it.
    """

    cel: str
    message: str
    holds: Callable[[T], bool]
    reason: str = "SpecInvalid"


def with_rules(*rules: Rule[Any]) -> Meta:
    """The annotation of a field whose value these rules are about."""
    return Meta(extra_json_schema=schema_part(rules), extra={"rules": rules})


def schema_part(rules: tuple[Rule[Any], ...]) -> dict[str, Any]:
    """The rules as a schema of Kubernetes has them."""
    return {"x-kubernetes-validations": [{"rule": rule.cel, "message": rule.message} for rule in rules]}


def re2(pattern: str) -> str:
    r"""A pattern as the API server's regular expressions (RE2) have it: their $ is the end, as \Z is here."""
    return pattern.replace(r"\Z", "$")


def cel_text(pattern: str) -> str:
    """A pattern as a text of CEL."""
    escaped = re2(pattern).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return f"'{escaped}'"


def between(path: str, least: str, most: str) -> Rule[str]:
    """The rule of a duration that has two bounds, both of which it may reach."""
    bounds = nanoseconds_of(least), nanoseconds_of(most)
    return Rule(
        cel=f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')",
        message=f"{path} must lie between {least} and {most}",
        holds=lambda text: bounds[0] <= nanoseconds_of(text) <= bounds[1],
    )
