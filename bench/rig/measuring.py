"""One client on one target for a while: what arrived, counted by the target, and what it cost the client."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rig.clients import Client
from bench.rig.processes import cpu_seconds, pinned_process, resident_bytes
from bench.rig.sink import SinkCounts

WARM_UP_SECONDS: Final = 1.0
_FIRST_UPLOADS: Final = 5
_START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """Rates of one round; `busy` is the share of its core that the client had."""

    records_per_second: float
    uploads_per_second: float
    bytes_per_second: float
    cpu_seconds_per_million_records: float
    busy: float
    resident_bytes: int


def measure(client: Client, core: int, read_counts: Callable[[], SinkCounts], seconds: float, log: Path) -> Run:
    """Start a client, let it warm up, and measure it for so long.

    Raises RuntimeError, with its output, if it does not upload.
    """
    uploads_before = read_counts().uploads
    with pinned_process(client.command, core, log, client.environment) as process:
        deadline = time.monotonic() + _START_SECONDS
        while read_counts().uploads < uploads_before + _FIRST_UPLOADS:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{client.name} does not upload:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        time.sleep(WARM_UP_SECONDS)
        first, cpu_before = read_counts(), cpu_seconds(process.pid)
        time.sleep(seconds)
        last, cpu = read_counts(), cpu_seconds(process.pid) - cpu_before
        memory_bytes = resident_bytes(process.pid)
        if process.poll() is not None:
            raise RuntimeError(f"{client.name} ended:\n{log.read_text(errors='replace')[-2000:]}")
    wall = (last.nanoseconds - first.nanoseconds) / 1e9
    records = last.records - first.records
    return Run(
        records_per_second=records / wall,
        uploads_per_second=(last.uploads - first.uploads) / wall,
        bytes_per_second=(last.bytes - first.bytes) / wall,
        cpu_seconds_per_million_records=cpu / records * 1e6 if records else float("inf"),
        busy=cpu / wall,
        resident_bytes=memory_bytes,
    )
