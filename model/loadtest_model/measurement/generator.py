"""How the generator itself fared, and what a CPU limit did to it."""

from collections.abc import Sequence
from typing import Final

from loadtest_model.values import WireValue

NOTABLE_SHARE: Final = 0.05
CRIPPLING_SHARE: Final = 0.5
"""Kept from the CPU for more than this share of the time, a generator may miss any time-out by itself."""


class GeneratorHealth(WireValue, frozen=True, kw_only=True):
    """What one process had and lacked, or all pods of a fleet: saturation makes a verdict on times inconclusive.

    `throttled_share` is None if the system does not tell, and `cpu_limit_cores` also if there is no limit.
    """

    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    loop_lag_p99_seconds: float = 0.0
    max_loop_lag_seconds: float = 0.0
    throttled_share: float | None = 0.0
    cpu_limit_cores: float | None = None


def merged_health(parts: Sequence[GeneratorHealth]) -> GeneratorHealth:
    """Memory and CPU seconds add up; of what tells saturation the worst pod speaks."""
    return GeneratorHealth(
        memory_bytes=sum(part.memory_bytes for part in parts),
        cpu_seconds=sum(part.cpu_seconds for part in parts),
        loop_lag_p99_seconds=max((part.loop_lag_p99_seconds for part in parts), default=0.0),
        max_loop_lag_seconds=max((part.max_loop_lag_seconds for part in parts), default=0.0),
        throttled_share=max((part.throttled_share for part in parts), default=0.0, key=_throttling_rank),
        cpu_limit_cores=min((part.cpu_limit_cores for part in parts if part.cpu_limit_cores), default=None),
    )


def is_crippled(generator: GeneratorHealth) -> bool:
    """Whether time-outs may well be the generator's own doing."""
    return (generator.throttled_share or 0.0) > CRIPPLING_SHARE


def throttling_text(generator: GeneratorHealth) -> str:
    """How a CPU limit kept the generator from working; empty if it hardly did, or if that is not known."""
    share = generator.throttled_share or 0.0
    if share <= NOTABLE_SHARE:
        return ""
    limit = generator.cpu_limit_cores
    limit_text = "a CPU limit" if limit is None else f"its CPU limit of {cores_text(limit)}"
    return f"the generator was throttled for {share:.0%} of the time by {limit_text}"


def cores_text(cores: float) -> str:
    """A number of CPUs as a manifest has it: `20m`, `2`."""
    thousandths = round(cores * 1000)
    return f"{thousandths}m" if thousandths % 1000 else f"{thousandths // 1000}"


def _throttling_rank(throttled_share: float | None) -> tuple[bool, float]:
    """Ranks shares of time: one that is not known is worse than none at all, and better than any that was measured."""
    return throttled_share != 0.0, throttled_share or 0.0
