"""How often a climb finds the capacity that queueing theory knows, and how often it is wrong, in virtual time.

`python -m bench.capacity [--runs N] [--jobs N]` with tests on PYTHONPATH. It prints the tables of docs/capacity.md.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from loadtest_model.judgement.capacity import CapacityFinding
from loadtest_model.judgement.climb import plateau_levels
from loadtest_model.plan import Plan
from support.known_capacity import WorkerPool, a_capacity_plan, climb, known_place
from support.virtual_time import run_in_virtual_time

MEAN_SECONDS: Final = 0.5
WORKERS: Final = 8
SETTINGS: Final = (
    ("virtualUsers", 3.0, ("10s", "30s", "60s")),
    ("arrivalRate", 3.0, ("10s", "30s", "60s")),
    ("arrivalRate", 4.5, ("10s", "30s")),
)
"""What grows, the bound on p95 in seconds, and the lengths of the plateaus. With 3 s a load lies just beyond the bound,
and with 4.5 s the same load lies below it."""


@dataclass(frozen=True)
class Setting:
    """A target with so many workers, and a climb against it with a bound on p95."""

    by: str
    workers: int
    bound_seconds: float
    plateau: str

    @property
    def plan(self) -> Plan:
        most = 12 * self.workers if self.by == "virtualUsers" else 6 * self.workers
        load: dict[str, Any] = {"capacity": {"by": self.by, "to": most, "plateau": self.plateau}}
        if self.by == "arrivalRate":
            load["arrivals"] = "poisson"
        return a_capacity_plan(thresholds=("error_rate < 1%", f"p95 < {self.bound_seconds:g}s"), **load)

    @property
    def known_knee(self) -> float:
        """The load that all workers are just busy with."""
        return self.workers if self.by == "virtualUsers" else self.workers / MEAN_SECONDS


@dataclass(frozen=True)
class Outcome:
    """How many steps of the ladder a climb was off, and its knee; None if it told of none."""

    steps: int
    knee_steps: int | None
    is_knee_in_doubt: bool


def outcome_of(setting: Setting, seed: int) -> Outcome:
    """One climb."""
    plan = setting.plan
    levels = plateau_levels(plan.steps[0])

    async def main() -> CapacityFinding:
        return (await climb(plan, WorkerPool(setting.workers, MEAN_SECONDS, seed)))[0]

    finding = run_in_virtual_time(main())
    found = -1 if finding.held is None else levels.index(finding.held.level)
    known_knee = sum(level <= setting.known_knee for level in levels) - 1
    return Outcome(
        steps=found - known_place(plan, 0.95, setting.bound_seconds, setting.workers, MEAN_SECONDS),
        knee_steps=None if finding.knee is None else levels.index(finding.knee.level) - known_knee,
        is_knee_in_doubt=finding.knee is not None and finding.knee.is_in_doubt,
    )


def table_rows(runs: int, jobs: int) -> Iterator[str]:
    """The rows of the table, each as soon as it is measured."""
    yield (
        "| climbs by | p95 below | plateau | exact | one step low | one step high | further off | knee within one step"
        " | knee further off | knee in doubt | no knee |"
    )
    yield f"|{'---|' * 11}"
    with ProcessPoolExecutor(jobs) as pool:
        for by, bound_seconds, plateaus in SETTINGS:
            for plateau in plateaus:
                setting = Setting(by, WORKERS, bound_seconds, plateau)
                yield _row(setting, list(pool.map(partial(outcome_of, setting), range(runs))))


def _row(setting: Setting, outcomes: list[Outcome]) -> str:
    steps = [outcome.steps for outcome in outcomes]
    knees = [outcome.knee_steps for outcome in outcomes if outcome.knee_steps is not None]
    near = sum(abs(knee) <= 1 for knee in knees)
    counts = (
        sum(step == 0 for step in steps),
        sum(step == -1 for step in steps),
        sum(step == 1 for step in steps),
        sum(abs(step) > 1 for step in steps),
        near,
        len(knees) - near,
        sum(outcome.is_knee_in_doubt for outcome in outcomes),
        len(outcomes) - len(knees),
    )
    shares = " | ".join(f"{count / len(outcomes):.0%}" for count in counts)
    return f"| `{setting.by}` | {setting.bound_seconds:g} s | {setting.plateau} | {shares} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="climbs for each row (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    options = parser.parse_args()
    for row in table_rows(options.runs, options.jobs):
        print(row, flush=True)


if __name__ == "__main__":
    main()
