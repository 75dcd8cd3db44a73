"""How the generator itself fares: event-loop lag, memory, CPU time and throttling."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from loadgen.http.stalls import Stalls
from loadgen.measure.cgroup import SELF, own_cpu_group
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.sketch import SketchBuilder
from loadtest_model.values import NANOSECONDS

TICK_SECONDS: Final = 0.02
_TICK_OF_CLOCK_NS: Final = int(time.get_clock_info("monotonic").resolution * NANOSECONDS)
"""On a clock that goes by steps of some milliseconds, waking up a step late is no lag."""


class Monitor:
    """Watches this process, whose folder in /proc is `process`, while `watch` runs.

    Lag is how late the event loop wakes a sleeper. `on_lag` gets each lag in nanoseconds, and `stalls` keeps it.
    """

    def __init__(
        self,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        process: Path = SELF,
        stalls: Stalls | None = None,
        on_lag: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._clock_ns = clock_ns
        self._stalls = stalls or Stalls()
        self._on_lag = on_lag
        self._cpu = own_cpu_group(process)
        self._statm = process / "statm"
        self._lag = SketchBuilder()
        self._period_start_ns = clock_ns()
        self._throttled_seconds_before = self._throttled_seconds()

    def restart(self) -> None:
        """Measure lag and throttling from now on: what went before was no load."""
        self._lag = SketchBuilder()
        self._period_start_ns = self._clock_ns()
        self._throttled_seconds_before = self._throttled_seconds()

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            now_ns = self._clock_ns()
            self._stalls.expect(now_ns, now_ns + int(TICK_SECONDS * NANOSECONDS) + _TICK_OF_CLOCK_NS)
            await asyncio.sleep(TICK_SECONDS)
            lag_ns = self._stalls.wake(self._clock_ns())
            self._lag.add(lag_ns)
            self._on_lag(lag_ns)

    def health(self) -> GeneratorHealth:
        lag = self._lag.snapshot()
        return GeneratorHealth(
            memory_bytes=resident_bytes(self._statm),
            cpu_seconds=time.process_time(),
            loop_lag_p99_seconds=lag.quantile_seconds(0.99) or 0.0,
            max_loop_lag_seconds=lag.max_seconds or 0.0,
            throttled_share=self._throttled_share(),
            cpu_limit_cores=self._cpu.limit_cores() if self._cpu else None,
        )

    def _throttled_seconds(self) -> float | None:
        return self._cpu.throttled_seconds() if self._cpu else None

    def _throttled_share(self) -> float | None:
        before, now = self._throttled_seconds_before, self._throttled_seconds()
        if before is None or now is None:
            return None
        elapsed_seconds = (self._clock_ns() - self._period_start_ns) / NANOSECONDS
        return min(1.0, max(0.0, now - before) / elapsed_seconds) if elapsed_seconds > 0 else 0.0


def resident_bytes(statm: Path) -> int:
    """The memory that this process holds, or if only that is known, the most it ever held; 0 if neither is."""
    try:
        return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError, AttributeError):
        return _greatest_resident_bytes()


def _greatest_resident_bytes() -> int:
    try:
        import resource  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return 0
    greatest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return greatest if sys.platform == "darwin" else greatest * 1024
