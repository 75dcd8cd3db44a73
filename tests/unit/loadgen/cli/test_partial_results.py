"""The results so far, written while a run goes on, never come after the last ones."""

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from loadgen.cli import run_command
from loadgen.local.files import ResultFiles


class _Session:
    def seen(self) -> None:
        return None


async def test_the_end_of_a_run_waits_for_results_that_are_still_being_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun, released, written = threading.Event(), threading.Event(), threading.Event()

    def slowly(*_: object) -> None:
        begun.set()
        released.wait(10)
        written.set()

    monkeypatch.setattr(run_command, "FIRST_PARTIAL_SECONDS", 0)
    monkeypatch.setattr(run_command, "_write_partial", slowly)
    files = ResultFiles(tmp_path / "details", tmp_path / "series", tmp_path / "summary", tmp_path / "junit")
    keeping = asyncio.ensure_future(run_command._keep(cast("Any", _Session()), files, cast("Any", None)))
    await asyncio.to_thread(begun.wait, 10)

    keeping.cancel()
    await asyncio.wait({keeping}, timeout=0.1)
    ended_before = keeping.done()
    released.set()
    await asyncio.wait({keeping}, timeout=10)

    assert not ended_before
    assert written.is_set()
    assert keeping.cancelled()
