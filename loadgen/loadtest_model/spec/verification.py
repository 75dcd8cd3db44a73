"""The proof that precedes any load."""

from typing import Annotated, Literal

from msgspec import Meta

from loadtest_model.values import Value


class Verification(Value, frozen=True, kw_only=True):
    require: Annotated[
        Literal["Acknowledged", "Echoed"],
        Meta(
            description="Level of proof that is enough to start: Acknowledged (marker true, rows counted right)"
            " or Echoed (the answer also returns the request's nonce)."
        ),
    ] = "Acknowledged"
