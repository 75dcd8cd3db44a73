"""What is at stake beforehand: the rows that a broken promise could cost before the load has stopped."""

from typing import Final

from loadtest_model.plan import Plan
from loadtest_model.plan.mesh import REPEATED_UPLOADS

STOP_SECONDS: Final = 2.0
"""Within this time after a pod is told to halt, none of its uploads is in flight any more."""


def exposure_of(plan: Plan) -> str:
    """How many rows could at worst go out unproven, in a sentence."""
    sentence = (
        f"should the target break its promise everywhere at once, up to {plan.exposed_rows:,} rows (virtual users x"
        f" batch size) and what starts within the {STOP_SECONDS:g} s that a stop takes could go out unproven"
    )
    return f"{sentence}, {REPEATED_UPLOADS}" if plan.mesh else sentence
