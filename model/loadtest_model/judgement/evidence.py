"""What the checks of a verdict look at, and what they find."""

from dataclasses import dataclass

from loadtest_model.judgement.capacity import CapacityFinding
from loadtest_model.judgement.health import Health
from loadtest_model.judgement.verdict import Facts, Verdict
from loadtest_model.reasons import AnyReason
from loadtest_model.thresholds.bounds import ThresholdResult


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    reason: AnyReason
    text: str


@dataclass(frozen=True)
class Evidence:
    """The facts, and what follows from them at once for several checks. Without a load there is no health."""

    facts: Facts
    thresholds: tuple[ThresholdResult, ...]
    health: Health | None = None
    capacity: CapacityFinding | None = None

    @property
    def breaches(self) -> tuple[ThresholdResult, ...]:
        return tuple(result for result in self.thresholds if result.passed is False)
