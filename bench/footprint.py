"""What the generator needs: time from its start to the first byte, and memory.

`python -m bench.footprint [--seconds S] [--watch MINUTES] [--write]` with tests and tests/targets on PYTHONPATH. Memory
is measured on the sink. `bench.growth` measures how the cost of a record and the memory grow. `--write` makes the
measurement the one of the docs (`bench/footprint.json`).
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.rig.clients import CLIENTS, cores
from bench.rig.conditions import conditions
from bench.rig.keeping import write_measurement
from bench.rig.processes import cpu_seconds, pinned_process, resident_bytes
from bench.rig.sink import Sink, running_sink

_STARTS: Final = 7


def first_byte_seconds() -> tuple[float, float]:
    """From the start of `loadgen run` to the first byte at its target, by the clock and by the processor.

    That byte is the verification's.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as out:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        command = [sys.executable, "-m", "loadgen.cli.main", "run", "light", "--url", url, "--out", out]
        start_seconds = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
                return time.monotonic() - start_seconds, cpu_seconds(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def generator(sink: Sink, core: int, rows: int, virtual_users: int, seconds: float) -> dict[str, float]:
    """Load the sink with the whole generator, from its verification on; the chart asks for a pod by this."""
    with tempfile.TemporaryDirectory() as folder:
        load_options = ("--batch-size", str(rows), "--virtual-users", str(virtual_users), "--duration", f"{seconds:g}s")
        target_options = ("--url", sink.url, "--out", folder)
        command = (sys.executable, "-m", "loadgen.cli.main", "run", "custom", *target_options, *load_options)
        with pinned_process(command, core, Path(folder) / "log") as process:
            records_before = sink.counts().records
            time.sleep(seconds / 2)
            cpu, start_seconds = cpu_seconds(process.pid), time.monotonic()
            time.sleep(seconds / 4)
            cores_used = (cpu_seconds(process.pid) - cpu) / (time.monotonic() - start_seconds)
            memory = resident_bytes(process.pid)
            records = sink.counts().records - records_before
    return {
        "rows": rows,
        "virtual_users": virtual_users,
        "resident_bytes": memory,
        "cores": cores_used,
        "records_per_second": records / (seconds * 3 / 4),
    }


def watch(sink: Sink, core: int, minutes: float) -> Iterator[str]:
    """Load the sink with 10,000 rows a batch and 10 virtual users, and say twice a minute how much memory is held."""
    command = (sys.executable, str(CLIENTS / "ours.py"), sink.url, "csv", "10000", "10", str(int(minutes * 60) + 60))
    with tempfile.TemporaryDirectory() as folder, pinned_process(command, core, Path(folder) / "log") as process:
        for number in range(1, round(minutes * 2) + 1):
            time.sleep(30)
            if process.poll() is not None:
                raise RuntimeError(f"the load ended: {(Path(folder) / 'log').read_text()[-2000:]}")
            memory, records = resident_bytes(process.pid) / 1e6, sink.counts().records / 1e6
            yield f"after {number / 2:g} min: {memory:.0f} MB, {records:,.0f} million records"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load is watched")
    parser.add_argument("--watch", type=float, metavar="MINUTES", help="only watch the memory, for so long")
    parser.add_argument("--write", action="store_true", help="make this measurement the one of the docs")
    options = parser.parse_args()
    client_core, sink_core = cores()
    if options.watch:
        with tempfile.TemporaryDirectory() as folder, running_sink(Path(folder), sink_core) as sink:
            for line in watch(sink, client_core, options.watch):
                print(line, flush=True)
        return
    clock_seconds, processor_seconds = zip(*(first_byte_seconds() for _ in range(_STARTS)), strict=True)
    first_byte = {"clock_seconds": sorted(clock_seconds), "cpu_seconds": sorted(processor_seconds)}
    with tempfile.TemporaryDirectory() as folder, running_sink(Path(folder), sink_core) as sink:
        whole = generator(sink, client_core, 10_000, 10, max(20.0, options.seconds))
    measurement = {**conditions(), "first_byte": first_byte, "generator": whole}
    print(json.dumps(measurement, indent=1))
    if options.write:
        write_measurement("footprint", measurement)


if __name__ == "__main__":
    main()
