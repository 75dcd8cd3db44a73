"""The plan as text in a variable of a pod's environment."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from loadtest_model.plan import Plan
from loadtest_model.plan.errors import PlanError
from loadtest_model.reasons import Reason

PLAN_VARIABLE: Final = "LOADTEST_PLAN"
MOST_BYTES: Final = 131_072 - len(f"{PLAN_VARIABLE}=\0")
"""Linux's limit on one string of an environment (MAX_ARG_STRLEN); a container with a longer one does not start."""


def encode_plan(plan: Plan) -> str:
    """The plan as JSON without any `$`.

    A kubelet replaces `$$` and `$(NAME)` in the values of an environment, also in the middle of a text.
    """
    return _encode(plan)


def decode_plan(text: str) -> Plan:
    """The plan in a variable's text, also as earlier versions wrote it. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Plan)


def refuse_long_plan(plan: Plan) -> None:
    """Raise PlanError if a pod could not be given the plan."""
    size_bytes = len(encode_plan(plan).encode())
    if size_bytes > MOST_BYTES:
        part_bytes, name, remedy = max(
            (len(_encode(part).encode()), name, remedy) for part, name, remedy in _long_parts(plan)
        )
        raise PlanError(
            Reason.PlanTooLarge,
            f"the test takes {size_bytes:,} bytes as a plan, but a pod's environment holds {MOST_BYTES:,}; {name} takes"
            f" {part_bytes:,} bytes of it; {remedy}",
        )


def _long_parts(plan: Plan) -> Iterator[tuple[Any, str, str]]:
    """The parts of a plan that may be long, each with its name and what to do about it."""
    addresses = plan.target.addresses
    shorten = "shorten it (each $ takes six bytes)"
    yield (
        addresses,
        f"the list of the target's {len(addresses):,} addresses",
        "name a Service in spec.target.url that has fewer endpoints",
    )
    yield plan.target.headers, "spec.target.headers", shorten
    yield plan.target.form_fields, "spec.target.formFields", shorten
    yield plan.records.columns, "spec.records.fields", shorten
    yield (
        plan.network,
        "the list of networks",
        "have policy.allowed or policy.denied shortened in the operator's values",
    )


def _encode(part: Any) -> str:
    text = msgspec.json.encode(part, order="deterministic").decode()
    # In JSON a dollar sign stands inside of strings only, where it may be escaped as any character.
    return text.replace("$", "\\u0024")
