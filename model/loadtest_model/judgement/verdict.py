"""What a run came to, and what that is decided from; `judging` decides."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.judgement.capacity import CapacityFinding
from loadtest_model.judgement.health import NO_EVICTIONS, Evictions, Health
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.proof import ReadBackReport
from loadtest_model.measurement.snapshot import RefusedAddress, VerificationReport
from loadtest_model.plan import Plan
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import AnyReason, Reason
from loadtest_model.thresholds.bounds import ThresholdResult


class Verdict(StrEnum):
    PASSED = Reason.Passed
    FAILED = Reason.Failed
    INCONCLUSIVE = Reason.Inconclusive


_STATUS_AFTER_LOAD: Final = {
    Verdict.PASSED: ExitStatus.PASSED,
    Verdict.FAILED: ExitStatus.FAILED,
    Verdict.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
}


def exit_status(verdict: Verdict, reason_class: ReasonClass) -> ExitStatus:
    """The exit status of a test that ended like this: that of the verdict if there was a load to judge.

    A test that asked for no load and has its target proven came to what it asked for.
    """
    if verdict is Verdict.PASSED and reason_class is ReasonClass.VERIFICATION:
        return ExitStatus.PASSED
    return _STATUS_AFTER_LOAD[verdict] if reason_class is ReasonClass.LOAD else ExitStatus.NEVER_LOADED


def verdict_text(verdict: Verdict, reason_class: ReasonClass) -> str:
    """The verdict for people. That nothing was loaded belongs to it."""
    is_never_loaded = exit_status(verdict, reason_class) is ExitStatus.NEVER_LOADED
    return f"{verdict} (never loaded)" if is_never_loaded else str(verdict)


@dataclass(frozen=True)
class Gap:
    """Something that keeps a run from being judged in full: a lost pod, a missing result, a stop.

    `message` is a sentence with what to do.
    """

    reason: AnyReason
    message: str


@dataclass(frozen=True)
class Facts:
    """What a verdict is made from. `refusal` is the report of a verification that did not prove the target.

    `read_back` has the readings of the target's storage. `recorded_failures` are violations and refusals on record; the
    pod that met them may be gone. `refused_addresses` are new addresses of the target that were not proven. `target` is
    the state of the target's workload, and `evictions` are those of its pods. `load_began` is False of a
    run that ended before its load, so that nothing can be asked of measurements. `only_verified` says that the run
    ended there because it asked for no load, with its target proven. `climb_ended` is True of a climb that was ended
    since a plateau did not hold, which is a natural end. `baseline` has the earlier runs to compare with; None while
    the run goes on.
    """

    plan: Plan
    aggregate: Aggregate
    refusal: VerificationReport | None = None
    read_back: ReadBackReport | None = None
    gaps: tuple[Gap, ...] = ()
    recorded_failures: tuple[Gap, ...] = ()
    refused_addresses: tuple[RefusedAddress, ...] = ()
    target: TargetWatch | None = None
    evictions: Evictions = NO_EVICTIONS
    load_began: bool = True
    only_verified: bool = False
    climb_ended: bool = False
    baseline: Baseline | None = None


@dataclass(frozen=True)
class StepJudgement:
    """What one step came to by itself, and every reason found, gravest first."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict, the reason that decided it, and every reason found, gravest first. `steps` are in the plan's order.

    No step's verdict is worse than the run's: what is found of a step is found of the run. `reason_class` is the class
    of the reason in a run that ended like this one; of a run without a load there are no thresholds and no health.
    `capacity` is what a climb came to.
    """

    verdict: Verdict
    reason: AnyReason
    reasons: tuple[str, ...]
    thresholds: tuple[ThresholdResult, ...] = ()
    health: Health | None = None
    steps: tuple[StepJudgement, ...] = ()
    reason_class: ReasonClass = ReasonClass.LOAD
    capacity: CapacityFinding | None = None
