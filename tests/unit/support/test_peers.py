"""The cache in which k6, Artillery and Locust are kept."""

import sys
import threading
from pathlib import Path

import pytest

from peers.provided import PeerMissingError, Report, provided, run


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pins"
    folder.mkdir()
    (folder / "lock").write_text("1")
    return folder


def test_a_tool_is_made_once_although_several_ask_for_it_at_the_same_time(pins: Path) -> None:
    homes: list[Path] = []
    together = threading.Barrier(4, timeout=10)

    def make(home: Path, _: Report) -> None:
        homes.append(home)
        (home / "tool").touch()

    def ask() -> None:
        together.wait()
        assert (provided("tool", pins, "", make) / "tool").exists()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(homes) == 1


def test_what_an_interrupted_installation_left_is_removed(pins: Path) -> None:
    def fail_half_way(home: Path, _: Report) -> None:
        (home / "half").touch()
        raise PeerMissingError("no network")

    with pytest.raises(PeerMissingError, match="no network"):
        provided("tool", pins, "", fail_half_way)
    home = provided("tool", pins, "", lambda home, _: (home / "tool").touch())

    assert {path.name for path in home.iterdir()} == {"tool", ".complete"}


def test_another_pin_is_another_installation(pins: Path) -> None:
    first = provided("tool", pins, "", lambda _home, _report: None)
    (pins / "lock").write_text("2")

    second = provided("tool", pins, "", lambda _home, _report: None)

    assert first != second


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('first'); sys.exit('no such package')"]

    with pytest.raises(PeerMissingError, match="no such package"):
        run(command, tmp_path, {}, lambda _line: None)


def test_lock_files_name_no_address() -> None:
    repository = Path(__file__).resolve().parents[3]
    locks = [*repository.glob("*.lock"), *(repository / "tests" / "peers").rglob("*lock*")]

    names_with_addresses = [lock.name for lock in locks if lock.is_file() and "://" in lock.read_text()]

    assert len(locks) >= 5
    assert names_with_addresses == []
