"""How fast records are composed, without sending them, and in how much memory.

Run it as `python -m bench.compose [--rows N] [--seconds S]`; pin it with taskset to compare runs.
"""

import argparse
import resource
import sys
import time
import tracemalloc

import numpy as np

from loadgen.records import Composer, RecordSpace, load_pools


def composer(seed: int = 1) -> Composer:
    return Composer(RecordSpace(seed=seed, run_tag=1), load_pools())


def throughput(source: Composer, rows: int, seconds: float) -> None:
    """Compose batches of this size for this long; print rates, and the longest times from one chunk to the next."""
    stalls: list[float] = []
    batches = sent_bytes = 0
    wall, cpu = time.perf_counter(), time.process_time()
    mark = wall
    while mark - wall < seconds:
        for chunk in source.compose(rows).chunks():
            sent_bytes += len(chunk)
            last, mark = mark, time.perf_counter()
            stalls.append(mark - last)
        batches += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    p99, longest = np.percentile(stalls, [99, 100]) * 1_000
    print(
        f"{rows:>7} rows a batch: {batches * rows / cpu / 1e6:6.2f} M rows per CPU second, "
        f"{batches * rows / wall / 1e6:6.2f} M rows/s, {batches / wall / 1e3:7.2f} k batches/s, "
        f"{sent_bytes / wall / 1e6:6.0f} MB/s; to the next chunk p99 {p99:.2f} ms, longest {longest:.2f} ms"
    )


def memory(batches: int) -> None:
    """Compose many batches of 10,000 rows; print what the composer itself holds early and late."""
    tracemalloc.start()
    source = composer()
    measurements = []
    for number in range(batches):
        for chunk in source.compose(10_000).chunks():
            del chunk
        if number in (batches // 10, batches - 1):
            measurements.append(tracemalloc.get_traced_memory())
    tracemalloc.stop()
    for name, (held_bytes, peak) in zip(("early", "late"), measurements, strict=True):
        print(f"{name}: the composer holds {held_bytes / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="only batches of this many rows")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each size is measured")
    options = parser.parse_args()
    start_seconds = time.perf_counter()
    source = composer()
    print(f"first templates after {(time.perf_counter() - start_seconds) * 1e3:.0f} ms")
    for rows in (options.rows,) if options.rows else (10, 1_000, 10_000, 100_000):
        throughput(source, rows, options.seconds)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    print(f"resident memory of the process, at most: {kilobytes / 1e3:.0f} MB")
    memory(1_200)


if __name__ == "__main__":
    main()
