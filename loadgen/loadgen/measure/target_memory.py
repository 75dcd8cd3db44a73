"""The target's memory while it is loaded, read from its own metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Final

from loadgen.http.fetching import FetchedAnswer, FetchError, make_fetch
from loadtest_model.measurement.snapshot import TargetMemory
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS

POLL_SECONDS: Final = 2.0
MAX_POINTS: Final = 240
FETCH_SECONDS: Final = 5.0

_MEMORY: Final = "process_resident_memory_bytes"
_START_TIME: Final = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class ProcessMetrics:
    """The metrics of a process, under the names that Prometheus' client libraries use."""

    memory_bytes: int
    started_at_seconds: float


def read_process_metrics(text: str) -> ProcessMetrics:
    """The process metrics in a Prometheus exposition. Raises ValueError, naming what is missing or malformed."""
    from prometheus_client.parser import (  # noqa: PLC0415 - only a test with a metrics URL pays for it
        text_string_to_metric_families,
    )

    # A page may have thousands of lines, and taking each apart would hold the event loop for long.
    lines = "\n".join(chain.from_iterable(_lines_beginning_with(name, text) for name in (_MEMORY, _START_TIME)))
    try:
        metrics = {
            sample.name: sample.value
            for family in text_string_to_metric_families(lines)
            for sample in family.samples
            if sample.name in (_MEMORY, _START_TIME) and isfinite(sample.value)
        }
    except LookupError as error:
        # The parser's own, at a line that it cannot take apart.
        raise ValueError(f"the metrics are malformed: {error}") from error
    missing = [name for name in (_MEMORY, _START_TIME) if name not in metrics]
    if missing:
        raise ValueError(f"the metrics have no {' and no '.join(missing)}")
    return ProcessMetrics(int(metrics[_MEMORY]), metrics[_START_TIME])


def _lines_beginning_with(name: str, text: str) -> Iterator[str]:
    position = text.find(name)
    while position >= 0:
        end = text.find("\n", position)
        line = text[position:] if end < 0 else text[position:end]
        if position == 0 or text[position - 1] == "\n":
            yield line
        position = text.find(name, position + len(line))


def _metrics_in(answer: FetchedAnswer) -> ProcessMetrics:
    if answer.status != 200:
        raise ValueError(f"the metrics URL answered {answer.status}")
    return read_process_metrics(answer.body.decode("utf-8", "replace"))


class MemoryWatch:
    """Reads the memory every `POLL_SECONDS` while `watch` runs, as long as it is the same process that answers.

    `fetch` gets the metrics or raises FetchError; None if there is nothing to read.
    """

    def __init__(self, fetch: Callable[[], Awaitable[FetchedAnswer]] | None, clock_ns: Callable[[], int]) -> None:
        self._fetch = fetch
        self._clock_ns = clock_ns
        self._points: list[tuple[float, int]] = []
        self._stride = 1
        self._reading_count = 0
        self._started_at_seconds: float | None = None
        self._problem = ""

    @property
    def memory(self) -> TargetMemory:
        """What was measured so far; older points are thinned out evenly."""
        return TargetMemory(points=tuple(self._points), problem=self._problem)

    async def watch(self, start_ns: int) -> None:
        """Measure until cancelled, or until another process answers. Times count from `start_ns`."""
        if self._fetch is None:
            return
        while True:
            if not await self._read(self._fetch, start_ns):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _read(self, ask: Callable[[], Awaitable[FetchedAnswer]], start_ns: int) -> bool:
        try:
            metrics = _metrics_in(await ask())
        except (FetchError, ValueError) as error:
            # A target under load may miss a reading; what was measured stands.
            if not self._points:
                self._problem = f"not measurable: {error}"
            return True
        if self._started_at_seconds not in (None, metrics.started_at_seconds):
            self._problem = "not measurable: several processes answer, each with a memory of its own"
            return False
        self._started_at_seconds = metrics.started_at_seconds
        self._problem = ""
        self._keep((max(0, self._clock_ns() - start_ns) / NANOSECONDS, metrics.memory_bytes))
        return True

    def _keep(self, point: tuple[float, int]) -> None:
        if self._reading_count % self._stride == 0:
            self._points.append(point)
        self._reading_count += 1
        if len(self._points) > MAX_POINTS:
            self._points = self._points[::2]
            self._stride *= 2


def memory_watch(plan: Plan, pod_index: int, clock_ns: Callable[[], int]) -> MemoryWatch:
    """The watch of one pod: of a fleet only pod 0 asks the target."""
    url = plan.target.metrics_url
    if url is None or pod_index != 0:
        return MemoryWatch(None, clock_ns)
    # Importing the parser takes some 15 ms, which the load must not wait for.
    import prometheus_client.parser  # noqa: F401, PLC0415 - only a test with a metrics URL pays for it

    fetch = make_fetch(plan)
    return MemoryWatch(lambda: fetch(url, {}, FETCH_SECONDS), clock_ns)
