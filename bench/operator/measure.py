"""Measures the operator: `make bench-operator`, or one scenario of it with --only."""

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from bench.operator.line import line
from bench.operator.merging import merging
from bench.operator.scenarios import Figure, idle, looking, many_tests, requests, start_and_violation
from bench.operator.stage import Stage, stage

Scenario = Callable[[Stage], Awaitable[list[Figure]]]

_SCENARIOS: Final[dict[str, Scenario]] = {
    "idle": idle,
    "fleet": lambda on: start_and_violation(on, 200),
    "looking": lambda on: looking(on, 1_000, 30.0),
    "requests": lambda on: requests(on, 20, 20.0),
    "tests": lambda on: many_tests(on, 50, 4),
    "line": lambda on: line(on, 500),
}


async def _measured(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        began = time.monotonic()
        async with stage() as on:
            figures += await _SCENARIOS[name](on)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["merging", *_SCENARIOS], action="append")
    chosen = parser.parse_args().only or ["merging", *_SCENARIOS]
    figures = merging() if "merging" in chosen else []
    figures += asyncio.run(_measured([name for name in chosen if name != "merging"]))
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    print(f"Measured on {today}: Linux {platform.release()}, Python {platform.python_version()}.\n")
    print("| what | measured | to reach |\n|---|---:|---:|")
    for figure in figures:
        print(f"| {figure.what} | {figure.measured} | {figure.bound} |")


if __name__ == "__main__":
    main()
