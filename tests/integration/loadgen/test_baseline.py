"""`loadgen run` against a real target on 127.0.0.1 that becomes slower from one run to the next."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any, Final

from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target
from support.local_runs import loadgen

# So long that what a busy machine adds explains no slowdown of 30 %.
SECONDS: Final = 0.8
# Four virtual users make five uploads in a block of one second.
LOAD: Final = ("custom", "--batch-size", 10, "--virtual-users", 4, "--duration", "6s")
THRESHOLDS: Final = ("--threshold", "avg<baseline+10%", "--threshold", "requests_per_second>baseline-10%")


class SlowingTarget:
    """Answers after `SECONDS` and up to 5 % more, times a factor."""

    def __init__(self) -> None:
        self.factor = 1.0
        self._random = Random(1)

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(SECONDS * self.factor * self._random.uniform(1.0, 1.05))
        return honouring_answer(received)


async def test_a_target_that_became_30_per_cent_slower_fails_against_the_run_before(tmp_path: Path) -> None:
    slowing = SlowingTarget()
    outcomes: list[Any] = []
    async with running_target(slowing.answer) as target:
        for slowing.factor in (1.0, 1.3):
            outcomes.append(await loadgen("run", *LOAD, *THRESHOLDS, "--url", target.url, "--out", tmp_path))

    first, slower = outcomes
    assert first.returncode == 0, first.stdout
    assert first.stdout.count("no run to compare with yet") == 2
    assert slower.returncode == 1, slower.stdout
    assert "threshold avg<baseline+10% is breached: measured" in slower.stdout
    assert "of 1 earlier run (between +" in slower.stdout
