"""A folder in the user's cache that is filled once, whoever needs it first."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localcluster.go import cache_directory
from localcluster.progress import ActivityLine

Report = Callable[[str], None]

_LAST_LINES = 15


class PeerMissingError(Exception):
    """The tool cannot be had on this machine; the message says why."""


def provided(name: str, pinned_by: Path | None, salt: str, make: Callable[[Path, Report], None]) -> Path:
    """Return the folder of a tool; `make(folder, report)` fills it where nobody has done so yet.

    The folder goes by what lies in `pinned_by`, if that is given, and by `salt`. Of several processes one fills it and
    the others wait; what an interrupted one left is removed first. Progress is told on standard error.
    Raises PeerMissingError as `make` does.
    """
    base = cache_directory() / "peers"
    base.mkdir(parents=True, exist_ok=True)
    home = base / f"{name}-{_fingerprint(pinned_by, salt)}"
    complete = home / ".complete"
    if complete.exists():
        return home
    progress = ActivityLine(sys.stderr, is_terminal=sys.stderr.isatty())
    try:
        with _lock(base / f".{name}.lock", name, progress):
            if not complete.exists():
                shutil.rmtree(home, ignore_errors=True)
                home.mkdir()
                make(home, progress)
                complete.touch()
    finally:
        progress.close()
    return home


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str], news: Callable[[str], None]) -> None:
    """Run a command to its end, each line it writes going to `news`; raise PeerMissingError if it fails."""
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip():
                    last = [*last, line.rstrip()][-_LAST_LINES:]
                    news(line.rstrip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise PeerMissingError(f"{' '.join(command[:3])} failed:\n" + "\n".join(last))


def _fingerprint(folder: Path | None, salt: str) -> str:
    digest = hashlib.sha256(f"{os.uname().machine} {salt}".encode())
    for path in sorted(folder.iterdir()) if folder is not None else ():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _lock(path: Path, name: str, report: Report) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another process that provides {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
