"""Measures the operator: `make bench-operator`, or one scenario of it with --only."""

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from bench.operator.asking import asking
from bench.operator.line import line
from bench.operator.merging import merging
from bench.operator.pages import pages
from bench.operator.scenarios import Figure, idle, many_tests, polling, resource_requests, start_and_violation
from bench.operator.stage import Stage, stage

Scenario = Callable[[Stage], Awaitable[list[Figure]]]

_WITHOUT_CLUSTER: Final[dict[str, Callable[[], list[Figure]]]] = {"merging": merging, "asking": asking, "pages": pages}
_SCENARIOS: Final[dict[str, Scenario]] = {
    "idle": idle,
    "fleet": lambda running_stage: start_and_violation(running_stage, 200),
    "looking": lambda running_stage: polling(running_stage, 1_000, 30.0),
    "requests": lambda running_stage: resource_requests(running_stage, 20, 20.0),
    "tests": lambda running_stage: many_tests(running_stage, 50, 4),
    "line": lambda running_stage: line(running_stage, 500),
}


async def _run_scenarios(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        start_seconds = time.monotonic()
        async with stage() as running_stage:
            figures += await _SCENARIOS[name](running_stage)
        print(f"{name}: {time.monotonic() - start_seconds:.0f} s", file=sys.stderr)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*_WITHOUT_CLUSTER, *_SCENARIOS], action="append")
    names = parser.parse_args().only or [*_WITHOUT_CLUSTER, *_SCENARIOS]
    figures = [figure for name, measure in _WITHOUT_CLUSTER.items() if name in names for figure in measure()]
    figures += asyncio.run(_run_scenarios([name for name in names if name in _SCENARIOS]))
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    print(f"Measured on {today}: Linux {platform.release()}, Python {platform.python_version()}.\n")
    print("| what | measured | to reach |\n|---|---:|---:|")
    for figure in figures:
        print(f"| {figure.name} | {figure.value} | {figure.bound} |")


if __name__ == "__main__":
    main()
