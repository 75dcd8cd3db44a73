"""The Django example on a core of its own, and what its log says has arrived there."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.rig.sink import Taken
from example_server import UPLOAD_PATH, example_server

_ANSWERED: Final = re.compile(r"upload load_test=true rows=(\d+) status=200")


@dataclass
class Django:
    url: str
    log: Path
    _read_bytes: int = field(default=0, repr=False)
    _uploads: int = field(default=0, repr=False)
    _records: int = field(default=0, repr=False)

    def taken(self) -> Taken:
        """Accepted uploads and their rows so far; their bytes are not known."""
        with self.log.open("rb") as log:
            log.seek(self._read_bytes)
            text = log.read()
        # A line that is being written is read with the next.
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for rows in _ANSWERED.findall(whole.decode(errors="replace")):
            self._uploads += 1
            self._records += int(rows)
        return Taken(time.monotonic_ns(), self._uploads, self._records, 0)


@contextmanager
def running_django(folder: Path, core: int) -> Iterator[Django]:
    """Serve the example with one worker on a core until the context ends."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with example_server(folder, {"WEB_CONCURRENCY": "1"}) as server:
            os.sched_setaffinity(0, ours)
            yield Django(f"http://127.0.0.1:{server.port}{UPLOAD_PATH}", server.log_path)
    finally:
        os.sched_setaffinity(0, ours)
