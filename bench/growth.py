"""How the cost of a record and the memory grow with rows, users, run length and pods, as `bench/growth.json`.

`python -m bench.growth` with tests and tests/targets on PYTHONPATH; it takes some seven minutes. `make generate` then
draws the curves into the docs (`tools/generate_growth.py`). Uploads go to the sink, and CPU time is that of the
generator's process, so other work on the machine changes little.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.operator.merging import SimulatedPod
from bench.rig.clients import CLIENTS, cores
from bench.rig.conditions import conditions
from bench.rig.keeping import write_measurement
from bench.rig.processes import cpu_seconds, pinned_process, resident_bytes
from bench.rig.sink import Sink, running_sink
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.snapshot import Snapshot

_ROWS: Final = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_USERS: Final = (1, 3, 10, 30, 100, 200)
_PODS: Final = (1, 10, 30, 100, 300, 1_000)
_WARM_UP_SECONDS: Final = 2.0
_SECONDS: Final = 4.0
_RUN_SECONDS: Final = 150
_LOOK_SECONDS: Final = 10.0

Point = dict[str, float]


class Load:
    """A generator at work on the sink."""

    def __init__(self, sink: Sink, pid: int) -> None:
        self._sink = sink
        self._pid = pid

    def measure(self, seconds: float) -> Point:
        """What a million records cost for so long, and the memory at the end."""
        first, cpu = self._sink.counts(), cpu_seconds(self._pid)
        time.sleep(seconds)
        last, cpu = self._sink.counts(), cpu_seconds(self._pid) - cpu
        millions = (last.records - first.records) / 1e6
        return {"cpu_seconds_per_million": cpu / millions, "megabytes": resident_bytes(self._pid) / 1e6}


@contextmanager
def running_load(sink: Sink, file_format: str, rows: int, users: int) -> Iterator[Load]:
    """A load with all that the engine measures and checks, after its warm-up."""
    url = sink.url if file_format == "csv" else sink.url.replace("/upload", f"/rows/{rows}")
    command = (sys.executable, str(CLIENTS / "ours.py"), url, file_format, str(rows), str(users), "3600")
    core, _ = cores()
    with tempfile.TemporaryDirectory() as folder, pinned_process(command, core, Path(folder) / "log") as process:
        uploads_before, deadline = sink.counts().uploads, time.monotonic() + 30
        while sink.counts().uploads == uploads_before:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nothing was uploaded: {(Path(folder) / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        time.sleep(_WARM_UP_SECONDS)
        yield Load(sink, process.pid)


def by_rows(sink: Sink, file_format: str) -> Iterator[Point]:
    for rows in _ROWS:
        with running_load(sink, file_format, rows, 10) as load:
            yield {"x": rows, **load.measure(_SECONDS)}


def by_users(sink: Sink) -> Iterator[Point]:
    for users in _USERS:
        with running_load(sink, "csv", 10_000, users) as load:
            yield {"x": users, **load.measure(_SECONDS)}


def by_run_length(sink: Sink) -> Iterator[Point]:
    with running_load(sink, "csv", 10_000, 10) as load:
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < _RUN_SECONDS:
            yield {"x": round(elapsed), **load.measure(_LOOK_SECONDS)}


def by_pods() -> Iterator[Point]:
    """What one look of an operator at so many pods costs after a minute of load: reading and merging their answers."""
    decoder = msgspec.json.Decoder(Snapshot)
    for count in _PODS:
        answers = []
        for index in range(count):
            pod = SimulatedPod(index, 2)
            pod.load_until(60)
            answers.append(pod.answer())
        cpu = time.process_time()
        merge_snapshots([decoder.decode(answer) for answer in answers])
        yield {"x": count, "milliseconds": (time.process_time() - cpu) * 1e3}


def report(name: str, points: Iterator[Point]) -> list[Point]:
    """The points, each printed when it is measured."""
    measured = []
    for point in points:
        measured.append(point)
        print(name, point, file=sys.stderr, flush=True)
    return measured


def main() -> None:
    _, sink_core = cores()
    with tempfile.TemporaryDirectory() as folder, running_sink(Path(folder), sink_core) as sink:
        document: dict[str, Any] = {
            **conditions(),
            "csv_rows": report("CSV, rows", by_rows(sink, "csv")),
            "xlsx_rows": report("XLSX, rows", by_rows(sink, "xlsx")),
            "users": report("users", by_users(sink)),
            "run_length": report("run length", by_run_length(sink)),
            "pods": report("pods", by_pods()),
        }
    write_measurement("growth", document)


if __name__ == "__main__":
    main()
