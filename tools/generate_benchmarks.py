"""Writes the goals and tables of docs/benchmarks.md from the measurements in bench/*.json; with --check says whether
they are up to date.
"""

import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench.rig.table import COST, median, origin, times_table, upload_tables
from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "benchmarks.md"
MEASUREMENTS: Final = ("uploads", "truth", "footprint", "growth")

Json = dict[str, Any]

_PEERS: Final = ("Locust", "Artillery", "k6")
_RAW_SOCKET: Final = "raw socket, prepared bytes"
_BAREST: Final = "aiohttp at its barest, prepared bytes"


@dataclass(frozen=True)
class Goal:
    """A figure of the measurements, and the bound that it is to reach; some are only shown."""

    work: str
    bound: float | None
    value: Callable[[Json], float]
    show: Callable[[float], str]
    is_upper_bound: bool = False

    def line(self, measurements: Json) -> str:
        value = self.value(measurements)
        if self.bound is None:
            return f"| {self.work} | | {self.show(value)} | |"
        sign = "≤" if self.is_upper_bound else "≥"
        # As it is shown: a figure that reads like the bound has reached it.
        equals = self.show(value) == self.show(self.bound)
        is_reached = equals or (value < self.bound) == self.is_upper_bound
        return (
            f"| {self.work} | {sign} {self.show(self.bound)} | {self.show(value)} | {'yes' if is_reached else 'no'} |"
        )


def cost(measurements: Json, work: str, client: str) -> float:
    """CPU seconds per million records: the median of a client's rounds."""
    return median(measurements["uploads"]["work"][work]["clients"][client], COST)


def best_peer(measurements: Json, work: str) -> str:
    """The peer with its own records that costs least."""
    return min(_PEERS, key=lambda name: cost(measurements, work, name))


def beside(work: str, client: str) -> Callable[[Json], float]:
    """How many times as much CPU time as loadgen a client takes for a record."""
    return lambda measurements: cost(measurements, work, client) / cost(measurements, work, "loadgen")


def _beside_best_peer(work: str) -> Callable[[Json], float]:
    return lambda measurements: beside(work, best_peer(measurements, work))(measurements)


def _memory_at_most_users(measurements: Json) -> float:
    most_users = max(measurements["growth"]["users"], key=lambda point: float(point["x"]))
    return float(most_users["megabytes"])


def _first_byte(measurements: Json) -> float:
    return float(statistics.median(measurements["footprint"]["first_byte"]["cpu_seconds"]))


def _share(value: float) -> str:
    return f"{value:.0%}"


def _times(value: float) -> str:
    return f"{value:.2f} times"


def _megabytes(value: float) -> str:
    return f"{value:.0f} MB"


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


GOALS: Final = (
    Goal("CSV, 10,000 rows a batch, of the raw socket", 0.45, beside("unique", _RAW_SOCKET), _share),
    Goal("the same, beside Locust with our records", 2, beside("unique", "Locust with our records"), _times),
    Goal("the same, beside the best peer with its own records", None, _beside_best_peer("unique"), _times),
    Goal("10 rows a batch, of the raw socket", 0.30, beside("small", _RAW_SOCKET), _share),
    Goal("the same, beside the best peer", 4, _beside_best_peer("small"), _times),
    Goal("the same, beside aiohttp at its barest", 1.3, beside("small", _BAREST), _times),
    Goal("memory at 200 virtual users, 10,000 rows", 90, _memory_at_most_users, _megabytes, is_upper_bound=True),
    Goal("exec to first byte, CPU time", 0.30, _first_byte, _seconds, is_upper_bound=True),
)


def document(current: str, measurements: Json) -> str:
    """The page with all that was measured written anew. Raises ValueError where it has no place for it."""
    sections = {
        "goals": goals_table(measurements),
        "uploads": _uploads(measurements["uploads"]),
        "times": f"{origin(measurements['truth'])}\n\n{times_table(measurements['truth'])}",
        "growth": _growth(measurements["growth"]),
    }
    for mark, text in sections.items():
        current = replace_section(current, mark, f"\n{text}", FILE)
    return current


def goals_table(measurements: Json) -> str:
    lines = ["| work | to reach | measured | reached |", "|---|---:|---:|---|"]
    lines += [goal.line(measurements) for goal in GOALS]
    uploads = measurements["uploads"]
    peers = " and ".join(
        f"{best_peer(measurements, work)} with {uploads['work'][work]['title'].split(' a batch')[0]} a batch"
        for work in ("unique", "small")
    )
    return "\n".join([*lines, "", f"The best peer is the one with the least CPU time: {peers}.", ""])


def _uploads(measurement: Json) -> str:
    count = measurement["rounds"]
    rounds = (
        f"The figures are medians of {count} {'round' if count == 1 else 'rounds'} of"
        f" {measurement['seconds_a_round']:g} s."
    )
    return f"{origin(measurement)} {rounds}\n\n{upload_tables(measurement)}"


def _growth(measurement: Json) -> str:
    costs = [point["cpu_seconds_per_million"] for point in measurement["users"]]
    memory = [point["megabytes"] for point in measurement["users"]]
    run_costs = [point["cpu_seconds_per_million"] for point in measurement["run_length"]]
    run_memory = [point["megabytes"] for point in measurement["run_length"]]
    users, pods = measurement["users"][-1]["x"], measurement["pods"][-1]
    span = measurement["run_length"][-1]["x"]
    lines = (
        origin(measurement),
        "",
        f"- **Virtual users.** A million records cost {_range(costs)} s of CPU time from 1 to {users:g} virtual users."
        f" The memory is {_range(memory, 0)} MB.",
        f"- **Run length.** Over {span:g} s a million records cost {_range(run_costs)} s of CPU time. The memory is"
        f" {_range(run_memory, 0)} MB.",
        f"- **Pods.** One look of the operator at {pods['x']:,g} pods, with a minute of load behind them, takes"
        f" {pods['milliseconds']:.0f} ms for reading and merging their answers.",
        "",
    )
    return "\n".join(lines)


def _range(values: list[float], places: int = 2) -> str:
    return f"{min(values):.{places}f} to {max(values):.{places}f}"


def read_measurements() -> Json:
    return {name: json.loads((REPOSITORY / "bench" / f"{name}.json").read_text("utf-8")) for name in MEASUREMENTS}


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text("utf-8"), read_measurements()), "bench/*.json")


if __name__ == "__main__":
    sys.exit(main())
