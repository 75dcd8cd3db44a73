"""What the generator measures of itself."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from loadgen.saturation import Monitor, resident_bytes, throttled_seconds


class Clock:
    """A clock that is moved by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_the_share_of_throttled_time_counts_from_the_start_of_the_watch(tmp_path: Path) -> None:
    cpu_stat, clock = tmp_path / "cpu.stat", Clock()
    cpu_stat.write_text("usage_usec 10\nnr_throttled 1\nthrottled_usec 5000000\n")
    monitor = Monitor(clock, cpu_stat)

    clock.now_ns = 10_000_000_000
    cpu_stat.write_text("usage_usec 10\nnr_throttled 9\nthrottled_usec 6000000\n")

    assert monitor.health().throttled_share == 0.1


def test_without_a_cgroup_nothing_is_throttled(tmp_path: Path) -> None:
    assert throttled_seconds(tmp_path / "none") == 0.0


def test_a_restarted_watch_forgets_what_went_before(tmp_path: Path) -> None:
    cpu_stat, clock = tmp_path / "cpu.stat", Clock()
    cpu_stat.write_text("throttled_usec 0\n")
    monitor = Monitor(clock, cpu_stat)
    clock.now_ns = 5_000_000_000
    cpu_stat.write_text("throttled_usec 4000000\n")

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


def test_a_cgroup_file_of_another_form_throttles_nothing(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("throttled_usec many\n")

    assert throttled_seconds(tmp_path / "cpu.stat") == 0.0
