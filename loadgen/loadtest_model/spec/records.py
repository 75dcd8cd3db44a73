"""The synthetic client records."""

from typing import Annotated

from msgspec import Meta

from loadtest_model.values import Value


class Records(Value, frozen=True, kw_only=True):
    seed: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53,
                description="The same seed gives the same records. Default: made from the run's id.",
            ),
        ]
        | None
    ) = None
