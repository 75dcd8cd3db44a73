"""The results so far, written while a run goes on, never come after the last ones."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from loadgen.cli import run_command
from loadgen.local.files import result_files


class _Session:
    def current_state(self) -> None:
        return None


async def test_the_end_of_a_run_waits_for_results_that_are_still_being_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begin, release, write_end = threading.Event(), threading.Event(), threading.Event()

    def write_slowly(*_: object) -> None:
        begin.set()
        release.wait(10)
        write_end.set()

    monkeypatch.setattr(run_command, "FIRST_PARTIAL_SECONDS", 0)
    monkeypatch.setattr(run_command, "_write_partial", write_slowly)
    files = result_files(tmp_path, "partial", datetime(2026, 1, 1, tzinfo=UTC))
    writing_task = asyncio.ensure_future(
        run_command._write_periodically(cast("Any", _Session()), files, cast("Any", None))
    )
    await asyncio.to_thread(begin.wait, 10)

    writing_task.cancel()
    await asyncio.wait({writing_task}, timeout=0.1)
    has_ended_early = writing_task.done()
    release.set()
    await asyncio.wait({writing_task}, timeout=10)

    assert not has_ended_early
    assert write_end.is_set()
    assert writing_task.cancelled()
