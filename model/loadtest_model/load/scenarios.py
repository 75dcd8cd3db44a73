"""The presets: what light, medium, heavy and stress mean."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Preset:
    """A scenario's load; `plateaus` are the shares of its virtual users at which it climbs."""

    purpose: str
    batch_size: int
    virtual_users: int
    duration_seconds: float
    plateaus: tuple[float, ...]


PLATEAUS: Final = (0.2, 0.6, 1.0)

PRESETS: Final = {
    "light": Preset("basic function", 1_000, 1, 120.0, (1.0,)),
    "medium": Preset("normal load", 5_000, 3, 180.0, PLATEAUS),
    "heavy": Preset("high load", 10_000, 5, 300.0, PLATEAUS),
    "stress": Preset("one million records and more", 10_000, 10, 600.0, PLATEAUS),
}

DEFAULT_THRESHOLDS: Final = ("error_rate < 1%", "avg < 10s", "p95 < 20s", "p99 < 30s")
STRESS_THRESHOLD: Final = "accepted_records >= 1000000"

CAPACITY_BATCH_SIZE: Final = 1_000
CAPACITY_THRESHOLDS: Final = DEFAULT_THRESHOLDS[:3]
"""Without the p99, which would need 100 uploads on every plateau."""

STEP_NAMES: Final = (*PRESETS, "custom", "capacity")
