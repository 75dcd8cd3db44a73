"""How fast batches become XLSX files, without sending them, beside the writers that Python projects use.

Run it as `python -m bench.xlsx [--rows N] [--rounds N]`; pin it with taskset to compare runs. openpyxl and, where it
is installed, XlsxWriter write rows that are made beforehand, in the mode that each has for large files. The rounds
of all are interleaved, and each figure is the best round's.
"""

import argparse
import asyncio
import csv
import importlib.util
import io
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from openpyxl import Workbook

from loadgen.formats import XlsxFormat, file_format
from loadgen.records import CLIENT_COLUMNS, Composer, RecordSpace, load_pools

Rows = list[list[str | float]]
Writer = Callable[[Rows], Awaitable[int]]


class OwnWriter:
    """Composes and encodes as an upload does."""

    def __init__(self) -> None:
        self.format = XlsxFormat()
        self.composer = Composer(RecordSpace(seed=1, run_tag=1), load_pools(), self.format.rendering)

    async def write(self, rows: int) -> int:
        """The size of a file with so many fresh records."""
        return (await self.format.encode(self.composer.compose(rows))).content_length


async def write_with_openpyxl(rows: Rows) -> int:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("clients")
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    workbook.save(content)
    return content.tell()


async def write_with_xlsxwriter(rows: Rows) -> int:
    content = io.BytesIO()
    workbook: Any = importlib.import_module("xlsxwriter").Workbook(content, {"constant_memory": True})
    sheet = workbook.add_worksheet("clients")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    workbook.close()
    return len(content.getvalue())


async def prepared_rows(rows: int) -> Rows:
    """Records with their header as a project would hand them to a writer: balances are numbers."""
    csv_format = file_format("csv")
    batch = Composer(RecordSpace(seed=1, run_tag=1), load_pools(), csv_format.rendering).compose(rows)
    text = b"".join((await csv_format.encode(batch)).chunks()).decode()
    header, *records = csv.reader(io.StringIO(text, newline=""))
    numbers = [column.is_number for column in CLIENT_COLUMNS]
    return [
        [*header],
        *([float(f) if number else f for number, f in zip(numbers, row, strict=True)] for row in records),
    ]


@dataclass
class Best:
    """The best round so far."""

    cpu_seconds: float = float("inf")
    wall_seconds: float = float("inf")
    file_bytes: int = 0

    async def round(self, write: Callable[[], Awaitable[int]]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.file_bytes = await write()
        self.wall_seconds = min(self.wall_seconds, time.perf_counter() - wall)
        self.cpu_seconds = min(self.cpu_seconds, time.process_time() - cpu)


async def throughput(own_writer: OwnWriter, rows: int, rounds: int) -> None:
    """Print the rate of each writer at files of so many rows; ours writes ten files a round."""
    table = await prepared_rows(rows)
    peers: dict[str, Writer] = {"openpyxl, write-only": write_with_openpyxl}
    if importlib.util.find_spec("xlsxwriter"):
        peers["XlsxWriter, constant memory"] = write_with_xlsxwriter
    best = {name: Best() for name in ("ours", *peers)}

    async def write_ten_files() -> int:
        return sum([await own_writer.write(rows) for _ in range(10)]) // 10

    for _ in range(rounds):
        await best["ours"].round(write_ten_files)
        for name, write in peers.items():
            await best[name].round(lambda write=write: write(table))  # type: ignore[misc]
    for name, best_round in best.items():
        files = 10 if name == "ours" else 1
        print(
            f"{name:>28}: {files * rows / best_round.cpu_seconds / 1e3:7.0f} k rows per CPU second, "
            f"{files * rows / best_round.wall_seconds / 1e3:7.0f} k rows/s, {best_round.file_bytes / 1e6:.2f} MB a file"
        )


async def stalls(own_writer: OwnWriter, rows: int, users: int, files: int) -> None:
    """Print how long another task waits for its turn while so many users have files encoded."""
    waits: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            last, before = time.perf_counter(), last
            waits.append(last - before)

    async def encode() -> None:
        for _ in range(files // users):
            await own_writer.write(rows)

    watch_task = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as tasks:
        for _ in range(users):
            tasks.create_task(encode())
    watch_task.cancel()
    with suppress(asyncio.CancelledError):
        await watch_task
    p50, p99, longest = np.percentile(waits, [50, 99, 100]) * 1_000
    print(f"{users:>2} users: another task waits p50 {p50:.2f} ms, p99 {p99:.2f} ms, at most {longest:.2f} ms")


async def memory(rows: int) -> None:
    """Print what encoding holds, and what a body that is being sent holds."""
    tracemalloc.start()
    own_writer = OwnWriter()
    await own_writer.write(rows)
    idle, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    body = await own_writer.format.encode(own_writer.composer.compose(rows))
    held_bytes, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"memory: {idle / 1e6:.1f} MB before, {peak / 1e6:.1f} MB at most while a file is encoded, "
        f"{(held_bytes - idle) / 1e6:.2f} MB for each body in flight ({body.content_length / 1e6:.2f} MB sent)"
    )


async def run(rows: int, rounds: int) -> None:
    own_writer = OwnWriter()
    await throughput(own_writer, rows, rounds)
    for users in (1, 10):
        await stalls(own_writer, rows, users, 100)
    await memory(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="rows of a file")
    parser.add_argument("--rounds", type=int, default=5, help="how often each writer is measured")
    options = parser.parse_args()
    asyncio.run(run(options.rows, options.rounds))


if __name__ == "__main__":
    main()
