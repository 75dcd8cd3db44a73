"""The earlier runs that a run is compared with: the last that passed, of a like plan."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.traits import Traits, difference_text, traits_of
from loadtest_model.plan import Plan
from loadtest_model.quantities import count_text
from loadtest_model.reasons import Reason
from loadtest_model.thresholds.bounds import parse_threshold


class StepOnRecord(Struct, frozen=True, kw_only=True):
    """A step of an earlier run."""

    name: str
    blocks: StepBlocks | None = None


class RunOnRecord(Struct, frozen=True, kw_only=True):
    """What a comparison needs of the summary of a run; its JSON can be read as one."""

    name: str
    verdict: str
    started_at: str | None = None
    run_id: str = ""
    traits: Traits = {}
    steps: tuple[StepOnRecord, ...] = ()

    @property
    def has_blocks(self) -> bool:
        return bool(self.traits) and any(step.blocks is not None for step in self.steps)

    def blocks(self, step: str) -> StepBlocks | None:
        return next((each.blocks for each in self.steps if each.name == step), None)


@dataclass(frozen=True)
class Baseline:
    """The earlier runs to compare with, the newest first.

    `exclusion` says why the newest run that passed and is not among them is left out; empty if none is. `problem` says
    why nobody could read what is on record; empty if that is known.
    """

    runs: tuple[RunOnRecord, ...] = ()
    exclusion: str = ""
    problem: str = ""

    @property
    def lack_text(self) -> str:
        """Why there is no run to compare with."""
        if self.problem:
            return self.problem
        return f"no run to compare with: {self.exclusion}" if self.exclusion else "no run to compare with yet"


def names_baseline(plan: Plan) -> bool:
    """Whether a threshold of the plan compares with earlier runs."""
    return any(parse_threshold(text).tolerance is not None for step in plan.steps for text in step.thresholds)


def baseline_of(plan: Plan, candidates: Iterable[RunOnRecord]) -> Baseline:
    """The last Passed runs among the candidates that are like the plan."""
    passed_runs = [run for run in candidates if run.verdict == Reason.Passed]
    newest_first = sorted(passed_runs, key=lambda run: run.started_at or "", reverse=True)
    traits = traits_of(plan)
    obstacles = [(run, _obstacle(run, traits)) for run in newest_first]
    like_runs = tuple(run for run, obstacle in obstacles if not obstacle)
    exclusions = [obstacle for _, obstacle in obstacles if obstacle]
    more = f" ({count_text(len(exclusions) - 1, 'older run')} cannot be compared either)" if len(exclusions) > 1 else ""
    return Baseline(like_runs[: plan.baseline_runs], f"{exclusions[0]}{more}" if exclusions else "")


def _obstacle(run: RunOnRecord, traits: Traits) -> str:
    """Why a run cannot be compared with a test of these traits; empty if it can."""
    if not run.has_blocks:
        return f"run {run.run_id} has no figures by blocks on record, because an earlier version wrote it"
    difference = difference_text(traits, run.traits)
    return f"of run {run.run_id}, {difference}" if difference else ""
