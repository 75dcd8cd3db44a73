"""The target's memory, as its own metrics tell it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

import loadgen.measure.target_memory
from loadgen.http.fetching import FetchedAnswer, FetchError
from loadgen.measure.target_memory import MAX_POINTS, MemoryWatch, read_process_metrics
from loadtest_model.values import NANOSECONDS


def exposition(memory_bytes: int, started_at_seconds: float = 1_000.0) -> FetchedAnswer:
    text = f"""# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes {memory_bytes}
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started_at_seconds}
"""
    return FetchedAnswer(200, text.encode())


class Target:
    """Answers one reading after the other; time passes by two seconds with each. After the last it never answers."""

    def __init__(self, answers: list[FetchedAnswer | FetchError]) -> None:
        self._answers = answers
        self.reading_count = 0
        self.end = asyncio.Event()

    async def fetch(self) -> FetchedAnswer:
        if self.reading_count == len(self._answers):
            self.end.set()
            await asyncio.Event().wait()
        self.reading_count += 1
        answer = self._answers[self.reading_count - 1]
        if isinstance(answer, FetchError):
            raise answer
        return answer

    def clock_ns(self) -> int:
        return (self.reading_count - 1) * 2 * NANOSECONDS


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadgen.measure.target_memory, "POLL_SECONDS", 0)


async def watch_target(answers: list[FetchedAnswer | FetchError]) -> MemoryWatch:
    target = Target(answers)
    watch = MemoryWatch(target.fetch, target.clock_ns)
    await _watch_until(watch.watch, target.end)
    return watch


async def _watch_until(watch: Callable[[int], Awaitable[None]], end: asyncio.Event) -> None:
    """Watch until the target has no further answer, or the watch ends by itself."""
    watching = asyncio.ensure_future(watch(0))
    waiting = asyncio.ensure_future(end.wait())
    async with asyncio.timeout(10):
        await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, waiting):
        task.cancel()
    await asyncio.gather(watching, waiting, return_exceptions=True)


async def test_each_reading_is_a_point_on_the_runs_own_time() -> None:
    watch = await watch_target([exposition(100), exposition(200), exposition(300)])

    assert watch.memory.points == ((0.0, 100), (2.0, 200), (4.0, 300))
    assert watch.memory.problem == ""


async def test_a_reading_that_fails_takes_nothing_away() -> None:
    watch = await watch_target([exposition(100), FetchError("no answer"), FetchedAnswer(503, b""), exposition(300)])

    assert watch.memory.points == ((0.0, 100), (6.0, 300))
    assert watch.memory.problem == ""


async def test_another_process_makes_memory_unmeasurable_and_ends_the_readings() -> None:
    watch = await watch_target([exposition(100), exposition(900, started_at_seconds=2_000.0), exposition(100)])

    assert watch.memory.points == ((0.0, 100),)
    assert "several processes" in watch.memory.problem


async def test_a_url_without_these_metrics_is_named_as_the_reason() -> None:
    watch = await watch_target([FetchedAnswer(200, b"up 1\n")])

    assert watch.memory.points == ()
    assert "process_resident_memory_bytes" in watch.memory.problem


async def test_a_long_run_keeps_its_points_within_bounds_and_in_order() -> None:
    watch = await watch_target([exposition(number) for number in range(2_000)])

    points = watch.memory.points
    assert MAX_POINTS / 2 <= len(points) <= MAX_POINTS
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
