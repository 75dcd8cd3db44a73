"""The Django example on a core of its own, and what its log says has arrived there."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.rig.sink import SinkCounts
from example_server import UPLOAD_PATH, example_server

_ACCEPTED_UPLOAD: Final = re.compile(r"upload load_test=true rows=(\d+) status=200")


@dataclass
class Django:
    url: str
    log: Path
    _read_bytes: int = field(default=0, repr=False)
    _uploads: int = field(default=0, repr=False)
    _records: int = field(default=0, repr=False)

    def counts(self) -> SinkCounts:
        """Accepted uploads and their rows so far; their bytes are not known."""
        with self.log.open("rb") as log:
            log.seek(self._read_bytes)
            text = log.read()
        # A line that is being written is read with the next.
        complete_lines = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(complete_lines)
        for rows in _ACCEPTED_UPLOAD.findall(complete_lines.decode(errors="replace")):
            self._uploads += 1
            self._records += int(rows)
        return SinkCounts(time.monotonic_ns(), self._uploads, self._records, 0)


@contextmanager
def running_django(folder: Path, core: int) -> Iterator[Django]:
    """Serve the example with one worker on a core until the context ends."""
    own_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with example_server(folder, {"WEB_CONCURRENCY": "1"}) as server:
            os.sched_setaffinity(0, own_cores)
            yield Django(f"http://127.0.0.1:{server.port}{UPLOAD_PATH}", server.log_path)
    finally:
        os.sched_setaffinity(0, own_cores)
