"""Resources of a pod as the API server takes them: names, quantities, and how requests and limits belong together."""

import re
from fractions import Fraction
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.parts import Name
from loadtest_model.spec.rules import Rule, cel_string, re2_pattern, rule_annotation
from loadtest_model.values import Value

QUANTITY_PATTERN: Final = r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?\Z"
_LONGEST_QUANTITY: Final = 24
_GREATEST_INTEGER: Final = 10**15
_DECIMAL_EXPONENTS: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_EXPONENTS: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY_PARTS: Final = re.compile(r"(\+?[0-9.]+)(.*)")
_STANDARD_NAMES: Final = ("cpu", "memory", "ephemeral-storage")
_EXTENDED_NAME_PATTERN: Final = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z"
_WHOLE_NUMBER_PATTERN: Final = r"^[0-9]+\Z"

Quantity = Annotated[
    Annotated[int, Meta(ge=0, le=_GREATEST_INTEGER)]
    | Annotated[str, Meta(pattern=QUANTITY_PATTERN, max_length=_LONGEST_QUANTITY)],
    Meta(
        extra_json_schema={
            "x-kubernetes-int-or-string": True,
            "pattern": re2_pattern(QUANTITY_PATTERN),
            "maxLength": _LONGEST_QUANTITY,
            "minimum": 0,
            "maximum": _GREATEST_INTEGER,
        }
    ),
]
"""An amount as Kubernetes writes it, such as `2`, `500m` or `256Mi`. No resource of a pod may be negative."""

_Amounts = dict[Name, Quantity]


def exact_quantity(quantity: int | str) -> Fraction:
    """The number that a quantity stands for. Raises ValueError for a text that is none."""
    text = str(quantity)
    if re.search(QUANTITY_PATTERN, text) is None:
        raise ValueError(f"{text!r} is not a quantity; write a number such as 2, 500m or 256Mi")
    number, suffix = _QUANTITY_PARTS.fullmatch(text).groups()  # type: ignore[union-attr]
    digits = f"0{number.removeprefix('+')}"
    if suffix in _BINARY_EXPONENTS:
        return Fraction(digits) * (1 << _BINARY_EXPONENTS[suffix])
    exponent = _DECIMAL_EXPONENTS[suffix] if suffix in _DECIMAL_EXPONENTS else int(suffix[1:])
    return Fraction(f"{digits}e{exponent}")


def _is_resource_name(name: str) -> bool:
    return name in _STANDARD_NAMES or (
        re.search(_EXTENDED_NAME_PATTERN, name) is not None and not name.startswith("requests.")
    )


def _is_whole_number(quantity: int | str) -> bool:
    return isinstance(quantity, int) or re.search(_WHOLE_NUMBER_PATTERN, quantity) is not None


def _names_rule(path: str) -> Rule[_Amounts]:
    return Rule(
        cel=f"self.all(k, k in {list(_STANDARD_NAMES)} || (k.matches({cel_string(_EXTENDED_NAME_PATTERN)})"
        " && !k.startsWith('requests.')))",
        message=f"{path} may have cpu, memory, ephemeral-storage and names with a domain, such as example.com/slot",
        holds=lambda amounts: all(_is_resource_name(name) for name in amounts),
    )


def _whole_numbers_rule(path: str) -> Rule[_Amounts]:
    return Rule(
        cel="self.all(k, !k.contains('/') || type(self[k]) == int"
        f" || self[k].matches({cel_string(_WHOLE_NUMBER_PATTERN)}))",
        message=f"{path} may have only whole numbers of what has a domain in its name, such as example.com/slot: 2",
        holds=lambda amounts: all(_is_whole_number(amount) for name, amount in amounts.items() if "/" in name),
    )


class Resources(Value, frozen=True, kw_only=True):
    requests: (
        Annotated[
            _Amounts,
            Meta(max_length=8, description="What is reserved, such as cpu: 500m."),
            rule_annotation(
                _names_rule("spec.pod.resources.requests"), _whole_numbers_rule("spec.pod.resources.requests")
            ),
        ]
        | None
    ) = None
    limits: (
        Annotated[
            _Amounts,
            Meta(max_length=8, description="What is at most given, such as memory: 256Mi."),
            rule_annotation(_names_rule("spec.pod.resources.limits"), _whole_numbers_rule("spec.pod.resources.limits")),
        ]
        | None
    ) = None


def _requests_are_within_limits(resources: Resources) -> bool:
    requests, limits = resources.requests or {}, resources.limits or {}
    return all(
        exact_quantity(requests[name]) <= exact_quantity(limits[name])
        for name in _STANDARD_NAMES
        if name in requests and name in limits
    )


def _extended_requests_have_limits(resources: Resources) -> bool:
    requests, limits = resources.requests or {}, resources.limits or {}
    return all(limits.get(name) == amount for name, amount in requests.items() if "/" in name)


RESOURCES_RULES: Final = (
    Rule[Resources](
        cel=f"!has(self.requests) || !has(self.limits) || {list(_STANDARD_NAMES)}.all(k, !(k in self.requests)"
        " || !(k in self.limits) || !isQuantity(string(self.requests[k])) || !isQuantity(string(self.limits[k]))"
        " || quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)",
        message="spec.pod.resources.requests must not be above spec.pod.resources.limits",
        holds=_requests_are_within_limits,
    ),
    Rule[Resources](
        cel="!has(self.requests) || self.requests.all(k, !k.contains('/')"
        " || (has(self.limits) && k in self.limits && self.limits[k] == self.requests[k]))",
        message="spec.pod.resources.limits must repeat what spec.pod.resources.requests says of names with a domain,"
        " such as example.com/slot",
        holds=_extended_requests_have_limits,
    ),
)
