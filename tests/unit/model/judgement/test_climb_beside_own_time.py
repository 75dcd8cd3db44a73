"""A climb that our own side cannot follow says nothing against the target."""

import asyncio
from typing import Any

import pytest

from loadgen.http.upload_progress import UploadProgress
from loadgen.upload.uploading import Upload
from loadtest_model.judgement.capacity import CapacityLimit
from loadtest_model.judgement.climb import PlateauState
from support.known_capacity import WorkerPool, a_capacity_plan, climb
from support.virtual_time import run_in_virtual_time


class SlowlyMade(WorkerPool):
    """A target that is never busy, and files of which one is made after the other."""

    def __init__(self, making_seconds: float) -> None:
        super().__init__(workers=1_000, mean_seconds=0.02, seed=1)
        self._making_seconds = making_seconds
        self._encoder = asyncio.Lock()

    async def upload(self, *arguments: Any, **fields: Any) -> Upload:
        async with self._encoder:
            await asyncio.sleep(self._making_seconds)
        progress: UploadProgress = arguments[3]
        assert not progress.has_begun
        return await super().upload(*arguments, **fields)


@pytest.mark.parametrize("threshold", ["p95 < 1s", "p95 < 20s"])
@pytest.mark.parametrize("load", [{"arrivalRate": 2}, {"arrivalRate": 2, "virtualUsers": 20}])
def test_a_climb_beyond_what_our_own_encoder_makes_is_limited_by_the_generator(
    threshold: str, load: dict[str, Any]
) -> None:
    capacity = {"by": "arrivalRate", "from": 2, "to": 64, "factor": 2, "plateau": "20s"}
    load = {name: value for name, value in load.items() if name != "arrivalRate"}
    plan = a_capacity_plan(thresholds=(threshold,), capacity=capacity, **load)

    finding, _, _ = run_in_virtual_time(climb(plan, SlowlyMade(0.1)))

    assert finding.limit is CapacityLimit.GENERATOR, finding
    assert not any(plateau.falls_behind for plateau in finding.plateaus)
    assert finding.plateaus[-1].state is PlateauState.IN_DOUBT
