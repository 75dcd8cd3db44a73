"""Supervisors remove the folders that others left behind, and no others."""

import fcntl
import tempfile
from pathlib import Path
from typing import TextIO

import pytest

from localcluster import supervisor
from localcluster.supervisor import RUN_DIR_PREFIX, is_supervised, remove_stale_run_dirs


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder: Path) -> Path:
    folder.mkdir()
    (folder / "lock").touch()
    return folder


def test_a_folder_that_goes_while_it_is_looked_at_stops_nobody(temporary: Path) -> None:
    # Its name was listed, and now there is nothing behind it.
    (temporary / f"{RUN_DIR_PREFIX}a").symlink_to(temporary / "gone")
    others = [left_behind(temporary / f"{RUN_DIR_PREFIX}{letter}") for letter in "bc"]

    remove_stale_run_dirs()

    assert not is_supervised(temporary / "gone")
    assert not any(other.exists() for other in others)


def test_a_folder_is_never_taken_for_one_left_behind_while_it_is_made(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    lives: list[bool] = []

    def look_and_lock(lock: TextIO, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            lives.append(is_supervised(Path(lock.name).parent))
        flock(lock, operation)

    monkeypatch.setattr(supervisor.fcntl, "flock", look_and_lock)

    folder, lock = supervisor._make_run_dir()
    with lock:
        remove_stale_run_dirs()

        assert lives == [True]
        assert folder.exists()
    remove_stale_run_dirs()
    assert not folder.exists()
