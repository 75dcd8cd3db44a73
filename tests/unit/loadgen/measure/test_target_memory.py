"""The target's memory, as its own metrics tell it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

import loadgen.measure.target_memory
from loadgen.http.fetching import Fetched, FetchError
from loadgen.measure.target_memory import MOST_POINTS, MemoryWatch, read_process_metrics
from loadtest_model.values import NANOSECONDS


def exposition(memory_bytes: int, started_at_seconds: float = 1_000.0) -> Fetched:
    text = f"""# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes {memory_bytes}
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started_at_seconds}
"""
    return Fetched(200, text.encode())


class Target:
    """Answers one reading after the other; time passes by two seconds with each. After the last it never answers."""

    def __init__(self, answers: list[Fetched | FetchError]) -> None:
        self._answers = answers
        self.read = 0
        self.exhausted = asyncio.Event()

    async def fetch(self) -> Fetched:
        if self.read == len(self._answers):
            self.exhausted.set()
            await asyncio.Event().wait()
        self.read += 1
        answer = self._answers[self.read - 1]
        if isinstance(answer, FetchError):
            raise answer
        return answer

    def clock_ns(self) -> int:
        return (self.read - 1) * 2 * NANOSECONDS


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadgen.measure.target_memory, "POLL_SECONDS", 0)


async def watched(answers: list[Fetched | FetchError]) -> MemoryWatch:
    target = Target(answers)
    watch = MemoryWatch(target.fetch, target.clock_ns)
    await _until_told(watch.watch, target.exhausted)
    return watch


async def _until_told(watch: Callable[[int], Awaitable[None]], told: asyncio.Event) -> None:
    """Watch until the target has nothing more to say, or the watch ends by itself."""
    watching = asyncio.ensure_future(watch(0))
    telling = asyncio.ensure_future(told.wait())
    async with asyncio.timeout(10):
        await asyncio.wait({watching, telling}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, telling):
        task.cancel()
    await asyncio.gather(watching, telling, return_exceptions=True)


async def test_each_reading_is_a_point_on_the_runs_own_time() -> None:
    watch = await watched([exposition(100), exposition(200), exposition(300)])

    assert watch.memory.points == ((0.0, 100), (2.0, 200), (4.0, 300))
    assert watch.memory.problem == ""


async def test_a_reading_that_fails_takes_nothing_away() -> None:
    watch = await watched([exposition(100), FetchError("no answer"), Fetched(503, b""), exposition(300)])

    assert watch.memory.points == ((0.0, 100), (6.0, 300))
    assert watch.memory.problem == ""


async def test_another_process_makes_memory_unmeasurable_and_ends_the_readings() -> None:
    watch = await watched([exposition(100), exposition(900, started_at_seconds=2_000.0), exposition(100)])

    assert watch.memory.points == ((0.0, 100),)
    assert "several processes" in watch.memory.problem


async def test_a_url_without_these_metrics_is_named_as_the_reason() -> None:
    watch = await watched([Fetched(200, b"up 1\n")])

    assert watch.memory.points == ()
    assert "process_resident_memory_bytes" in watch.memory.problem


async def test_a_long_run_keeps_its_points_within_bounds_and_in_order() -> None:
    watch = await watched([exposition(number) for number in range(2_000)])

    points = watch.memory.points
    assert MOST_POINTS / 2 <= len(points) <= MOST_POINTS
    assert list(points) == sorted(points)
    assert points[0] == (0.0, 0)
    gaps = {later[0] - earlier[0] for earlier, later in itertools.pairwise(points)}
    assert max(gaps) <= 2 * min(gaps)


def test_text_that_is_no_exposition_is_refused() -> None:
    with pytest.raises(ValueError, match="metric"):
        read_process_metrics("<html></html>")


@pytest.mark.parametrize(
    "text",
    [
        'process_resident_memory_bytes{a="b", ="c"} 1\n',
        "process_resident_memory_bytes +Inf\nprocess_start_time_seconds 1\n",
        "process_resident_memory_bytes NaN\nprocess_start_time_seconds 1\n",
    ],
)
def test_malformed_metrics_and_values_that_are_no_number_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the metrics"):
        read_process_metrics(text)
