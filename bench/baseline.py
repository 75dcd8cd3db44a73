"""How often a comparison with earlier runs is wrong, in virtual time.

`python -m bench.baseline FILE [--pool N] [--comparisons N] [--jobs N]` with tests on PYTHONPATH. It loads targets whose
slowdown is known, holds each run against earlier ones, and writes the rates as JSON, from which `make generate` makes
the tables of docs/baseline.md.

Engine, recorder, blocks and comparison are the real ones. The target is a model: its response times are log-normal, and
all those of a run are longer or shorter by a factor of that run, as on a cluster that others use too.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from loadtest_model.baseline.blocks import StepBlocks, blocks_of
from loadtest_model.baseline.comparing import compare_with_baseline
from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, StepOnRecord
from loadtest_model.thresholds.bounds import parse_threshold
from loadtest_model.thresholds.doubt import Interval
from support.known_slowdown import SteadyTarget, a_compared_plan, measured_run

SLOWDOWNS: Final = (0.0, 0.05, 0.10, 0.20, 0.30)
RUN_SPREADS: Final = (0.0, 0.03, 0.06)
"""The standard deviations of the factors of runs."""

BASELINE_RUNS: Final = (1, 2, 3, 5)
THRESHOLDS: Final = ("p95 < baseline + 10%", "requests_per_second > baseline - 10%")
DURATION: Final = "120s"
USERS: Final = 2
MEDIAN_SECONDS: Final = 0.2
TIME_SPREAD: Final = 0.3
_CERTAIN: Final = Interval(1.0, 1.0)
"""The generator is not the limit here."""


def blocks_of_run(slowdown: float, run_spread: float, seed: int) -> StepBlocks:
    """What is on record of a run against a target with this slowdown."""
    factor = (1 + slowdown) * Random(f"{slowdown} {run_spread} {seed}").lognormvariate(0.0, run_spread)
    plan = a_compared_plan(*THRESHOLDS, duration=DURATION, users=USERS)
    aggregate = measured_run(plan, SteadyTarget(MEDIAN_SECONDS * factor, TIME_SPREAD, seed))
    return blocks_of(plan.steps[0], aggregate.steps[0], plan.target.timeout_seconds)


def on_record(blocks: StepBlocks) -> RunOnRecord:
    return RunOnRecord(name="t", verdict="Passed", steps=(StepOnRecord(name="custom", blocks=blocks),))


def breached_share(
    expression: str, runs: list[StepBlocks], earlier: list[StepBlocks], count: int, comparisons: int
) -> float:
    """How often a threshold is breached, each time by one of the runs against so many of the earlier ones."""
    random = Random(f"{expression} {count}")
    threshold = parse_threshold(expression)
    breaches = 0
    for number in range(comparisons):
        # No run is held against itself, where these are runs of the same target.
        run = runs[number % len(runs)]
        others = random.sample([each for each in earlier if each is not run], count)
        result = compare_with_baseline(threshold, run, Baseline(tuple(map(on_record, others))), _CERTAIN, "", "custom")
        breaches += result.passed is False
    return breaches / comparisons


def measured_rows(pool_size: int, comparisons: int, jobs: int) -> Iterator[dict[str, Any]]:
    """The rates for each spread of runs, number of earlier runs and threshold, by slowdown."""
    with ProcessPoolExecutor(jobs) as pool:
        for spread in RUN_SPREADS:
            runs_by_slowdown = {
                slowdown: list(pool.map(partial(blocks_of_run, slowdown, spread), range(pool_size)))
                for slowdown in SLOWDOWNS
            }
            for count in BASELINE_RUNS:
                for expression in THRESHOLDS:
                    share = partial(breached_share, expression, count=count, comparisons=comparisons)
                    shares = [pool.submit(share, runs, runs_by_slowdown[0.0]) for runs in runs_by_slowdown.values()]
                    yield {
                        "threshold": expression,
                        "run_spread": spread,
                        "runs": count,
                        "breached": {
                            f"{slowdown:.2f}": future.result()
                            for slowdown, future in zip(SLOWDOWNS, shares, strict=True)
                        },
                    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="where the rates are written as JSON")
    parser.add_argument("--pool", type=int, default=100, help="runs of each target (default: %(default)s)")
    parser.add_argument("--comparisons", type=int, default=200, help="for each rate (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    options = parser.parse_args()
    rows = []
    for row in measured_rows(options.pool, options.comparisons, options.jobs):
        print(msgspec.json.encode(row).decode(), flush=True)
        rows.append(row)
    document = {
        "duration": DURATION,
        "virtual_users": USERS,
        "median_seconds": MEDIAN_SECONDS,
        "time_spread": TIME_SPREAD,
        "runs_of_each_target": options.pool,
        "comparisons": options.comparisons,
        "rows": rows,
    }
    Path(options.file).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
