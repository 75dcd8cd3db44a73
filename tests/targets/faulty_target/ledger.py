"""A count that the processes of one target share."""

import fcntl
import os
from pathlib import Path

_LINE_BYTES = 16


class Ledger:
    """A file with one line for each full upload: its number of rows, in the order of their arrival."""

    def __init__(self, path: Path) -> None:
        """Remember where the file is; the first entry makes it."""
        self._path = path

    def add(self, rows: int) -> int:
        """Enter an upload and return its ordinal, from 1, unique among all processes."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, b"%*d\n" % (_LINE_BYTES - 1, rows))
            return os.fstat(descriptor).st_size // _LINE_BYTES
        finally:
            os.close(descriptor)

    def entries(self) -> list[int]:
        """The rows of every full upload so far."""
        return [int(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []
