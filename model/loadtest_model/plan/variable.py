"""The plan as text in a variable of a pod's environment."""

from typing import Final

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
    text = msgspec.json.encode(plan, order="deterministic").decode()
    # In JSON a dollar sign stands inside of strings only, where it may be escaped as any character.
    return text.replace("$", "\\u0024")


def decode_plan(text: str) -> Plan:
    """The plan in a variable's text, also as earlier versions wrote it. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Plan)


def refuse_long_plan(plan: Plan) -> None:
    """Raise PlanError where a pod could not be given the plan."""
    size_bytes = len(encode_plan(plan).encode())
    if size_bytes > MOST_BYTES:
        raise PlanError(
            Reason.PlanTooLarge,
            f"the test takes {size_bytes:,} bytes as a plan, but a pod's environment holds {MOST_BYTES:,}; shorten"
            " spec.target.headers, spec.target.formFields or spec.records.fields (each $ takes six bytes)",
        )
