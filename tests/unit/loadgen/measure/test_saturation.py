"""What the generator measures of itself."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from loadgen.measure.saturation import Monitor, resident_bytes


class Clock:
    """A clock that is moved by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def process(tmp_path: Path) -> Path:
    """A process's folder in /proc, whose cgroup's files stand beside it."""
    folder = tmp_path / "self"
    folder.mkdir()
    (folder / "cgroup").write_text("0::/\n")
    (folder / "mountinfo").write_text(f"30 24 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n")
    return folder


def throttle(process: Path, seconds: float) -> None:
    (process.parent / "cpu.stat").write_text(f"nr_throttled 1\nthrottled_usec {seconds * 1e6:.0f}\n")


def test_the_share_of_throttled_time_counts_from_the_start_of_the_watch(process: Path) -> None:
    clock = Clock()
    throttle(process, 5.0)
    monitor = Monitor(clock, process)

    clock.now_ns = 10_000_000_000
    throttle(process, 6.0)

    assert monitor.health().throttled_share == 0.1


def test_the_limit_is_told_beside_the_share(process: Path) -> None:
    throttle(process, 0.0)
    (process.parent / "cpu.max").write_text("2000 100000\n")

    assert Monitor(process=process).health().cpu_limit_cores == 0.02


def test_where_the_system_does_not_tell_throttling_is_not_known(process: Path, tmp_path: Path) -> None:
    assert Monitor(process=process).health().throttled_share is None
    assert Monitor(process=tmp_path / "none").health().throttled_share is None


def test_a_restarted_watch_forgets_what_went_before(process: Path) -> None:
    clock = Clock()
    throttle(process, 0.0)
    monitor = Monitor(clock, process)
    clock.now_ns = 5_000_000_000
    throttle(process, 4.0)

    monitor.restart()
    clock.now_ns = 6_000_000_000

    assert monitor.health().throttled_share == 0.0


async def test_a_blocked_event_loop_shows_as_lag() -> None:
    monitor = Monitor()
    watching = asyncio.create_task(monitor.watch())
    await asyncio.sleep(0.05)

    time.sleep(0.2)  # noqa: ASYNC251 - blocking the loop is what is measured
    await asyncio.sleep(0.05)
    watching.cancel()

    assert monitor.health().max_loop_lag_seconds > 0.1
    assert monitor.health().loop_lag_p99_seconds > 0.1


def test_this_process_has_memory_and_cpu_time() -> None:
    health = Monitor().health()

    assert 1_000_000 < health.memory_bytes < 10**10
    assert health.cpu_seconds > 0


def test_without_proc_the_memory_is_the_most_that_was_ever_held(tmp_path: Path) -> None:
    assert 1_000_000 < resident_bytes(tmp_path / "none") < 10**10


def test_memory_that_nothing_tells_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)

    assert resident_bytes(tmp_path / "none") == 0
