"""The claim about a target whose endpoints the operator could not read."""

from typing import Final

EXPLANATION: Final = (
    "the operator may not read the endpoints behind the target's Service, so the Service's own address alone was"
    " proven, and not each endpoint: one that ignores the header shows itself only by a batch that it may have stored"
)
NOTICE: Final = f"spec.verification.unreadableEndpoints is Accept: {EXPLANATION}"
