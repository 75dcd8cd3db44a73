"""How long a test and the results of its runs are kept."""

from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.rules import duration_range, rule_annotation
from loadtest_model.values import DurationText, Value

LONGEST_TTL: Final = "87600h"
DEFAULT_KEEP: Final = 5


def _ttl_range(verdict: str) -> Meta:
    return rule_annotation(duration_range(f"spec.results.ttl.{verdict}", "0s", LONGEST_TTL))


class OutcomeTtl(Value, frozen=True, kw_only=True):
    """How long a LoadTest stays after its end, by its verdict. A verdict without a time keeps it for good."""

    passed: Annotated[DurationText, Meta(description="After the verdict Passed."), _ttl_range("passed")] | None = None
    failed: Annotated[DurationText, Meta(description="After the verdict Failed."), _ttl_range("failed")] | None = None
    inconclusive: (
        Annotated[DurationText, Meta(description="After the verdict Inconclusive."), _ttl_range("inconclusive")] | None
    ) = None


class Retention(Value, frozen=True, kw_only=True):
    keep: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="For how many runs of this test the results are kept. When a run has completed, the results"
            " ConfigMaps of older runs are removed.",
        ),
    ] = DEFAULT_KEEP
    ttl: (
        Annotated[
            OutcomeTtl,
            Meta(
                description="After which time a completed test is deleted, with its results, by its verdict: for"
                " example `passed: 24h`, `failed: 720h`. Default: never.",
            ),
        ]
        | None
    ) = None
