"""The sink as a process: built from sink.c, pinned to a core, asked for its counts."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.rig.processes import pinned_process


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """What a sink has read and counted up to an instant of the monotonic clock."""

    nanoseconds: int
    uploads: int
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sink:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/upload"

    def counts(self) -> SinkCounts:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/stats", headers={"Connection": "close"})
            return SinkCounts(**json.loads(connection.getresponse().read()))
        finally:
            connection.close()


@contextmanager
def running_sink(folder: Path, core: int) -> Iterator[Sink]:
    """Build the sink in a folder and run it until the context ends."""
    source, program, log = Path(__file__).with_name("sink.c"), folder / "sink", folder / "sink.log"
    subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    with pinned_process([str(program)], core, log):
        deadline = time.monotonic() + 10
        while not (log_text := log.read_text()).endswith("\n"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the sink does not listen: {log_text}")
            time.sleep(0.01)
        yield Sink(int(log_text))
