"""What a CPU limit did to the generator, in words."""

from typing import Final

from loadtest_model.measurement.snapshot import GeneratorHealth

NOTABLE_SHARE: Final = 0.05
CRIPPLING_SHARE: Final = 0.5
"""Kept from the CPU for more than this share of the time, a generator may miss any time-out by itself."""


def is_crippled(generator: GeneratorHealth) -> bool:
    """Whether time-outs may well be the generator's own doing."""
    return (generator.throttled_share or 0.0) > CRIPPLING_SHARE


def throttling_text(generator: GeneratorHealth) -> str:
    """How a CPU limit kept the generator from working; empty where it hardly did, and where that is not known."""
    share = generator.throttled_share or 0.0
    if share <= NOTABLE_SHARE:
        return ""
    limit = generator.cpu_limit_cores
    named = "a CPU limit" if limit is None else f"its CPU limit of {cores_text(limit)}"
    return f"the generator was throttled for {share:.0%} of the time by {named}"


def cores_text(cores: float) -> str:
    """A number of CPUs as a manifest has it: `20m`, `2`."""
    thousandths = round(cores * 1000)
    return f"{thousandths}m" if thousandths % 1000 else f"{thousandths // 1000}"
