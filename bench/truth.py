"""What loadgen, Locust, Artillery and k6 say of a target's times, beside the target's own record.

`python -m bench.truth [--seconds S] [--write]` with tests and tests/targets on PYTHONPATH. The target answers
after known delays and stalls once for two seconds (`bench/rig/delaying_target.py`). In the closed model ten users
upload one file after the other. In the open model fifty uploads begin in each second, whatever the target does.
`--write` makes the measurement the one of the docs (`bench/truth.json`).
"""

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench.rig.clients import CLIENTS, cores, vegeta_target
from bench.rig.conditions import conditions, versions
from bench.rig.keeping import write_measurement
from bench.rig.processes import pinned_process
from bench.rig.rows import body
from bench.rig.table import origin, times_table
from peers import SILENT, artillery, k6, locust_python, vegeta

_ROWS: Final = 10
_CLOSED_USERS: Final = 10
_OPEN_USERS: Final = 400
_RATE: Final = 50
_PERCENTS: Final = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Work:
    """A load of so many seconds with a prepared form; with a rate its uploads are scheduled."""

    url: str
    folder: Path
    seconds: int
    rate: int | None

    @property
    def users(self) -> int:
        return _OPEN_USERS if self.rate else _CLOSED_USERS


Percentiles = dict[str, float]
"""`p50`, `p95` and `p99` in seconds."""

Measurement = Callable[[Work, int], Percentiles]


def run_client(work: Work, core: int, command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """Run a client to its end; gives its output. Raises RuntimeError if it fails."""
    log = work.folder / "client.log"
    with pinned_process(command, core, log, {"ROWS": str(_ROWS), **SILENT, **(environment or {})}) as process:
        status = process.wait(work.seconds + 90)
    output = log.read_text(errors="replace")
    if status:
        raise RuntimeError(f"{command[0]} ended with {status}:\n{output[-2000:]}")
    return output


def loadgen_percentiles(work: Work, core: int) -> Percentiles:
    numbers = (_ROWS, work.users, work.seconds, *((work.rate,) if work.rate else ()))
    command = (sys.executable, "-m", "bench.clients.ours_timed", work.url, *map(str, numbers))
    figures = json.loads(run_client(work, core, command))
    return {f"p{percent}": figures[f"p{percent}"] for percent in _PERCENTS}


def k6_percentiles(work: Work, core: int) -> Percentiles:
    scenario: dict[str, Any] = {"executor": "constant-vus", "vus": work.users, "duration": f"{work.seconds}s"}
    if work.rate:
        scenario = {"executor": "constant-arrival-rate", "rate": work.rate, "duration": f"{work.seconds}s"}
        scenario |= {"preAllocatedVUs": work.users}
    options = {"scenarios": {"load": scenario}, "summaryTrendStats": [f"p({percent})" for percent in _PERCENTS]}
    summary = work.folder / "k6.json"
    environment = {"URL": work.url, "BODY": str(work.folder / "body"), "OPTIONS": json.dumps(options)}
    command = (str(k6()), "run", "--quiet", "--summary-export", str(summary), str(CLIENTS / "k6.js"))
    run_client(work, core, command, environment)
    figures = json.loads(summary.read_text())["metrics"]["http_req_duration"]
    return {f"p{percent}": figures[f"p({percent})"] / 1e3 for percent in _PERCENTS}


def artillery_percentiles(work: Work, core: int) -> Percentiles:
    upload = {"post": {"url": work.url, "beforeRequest": "fill", "afterResponse": "judge"}}
    phase = {"duration": work.seconds, "arrivalRate": work.rate}
    flow: list[dict[str, Any]] = [upload]
    if not work.rate:
        # Its users end by their number of loops, not by the clock.
        phase = {"duration": 1, "arrivalCount": work.users}
        flow = [{"loop": [upload], "count": round(work.seconds / 0.13)}]
    config = {"target": work.url, "processor": str(CLIENTS / "artillery.cjs"), "http": {"timeout": 60}}
    script, report = work.folder / "artillery.json", work.folder / "report.json"
    script.write_text(json.dumps({"config": {**config, "phases": [phase]}, "scenarios": [{"flow": flow}]}))
    command = (*artillery(), "run", "--quiet", "--output", str(report), str(script))
    run_client(work, core, command, {"BODY": str(work.folder / "body")})
    figures = json.loads(report.read_text())["aggregate"]["summaries"]["http.response_time"]
    return {f"p{percent}": figures["median" if percent == 50 else f"p{percent}"] / 1e3 for percent in _PERCENTS}


def locust_percentiles(work: Work, core: int) -> Percentiles:
    target, table = urlsplit(work.url), work.folder / "locust"
    # It has no open model. Users that begin one after the other, each with a pace of its own, come close to it.
    spawn_rate = work.rate or work.users
    users = ("--users", str(work.users), "--spawn-rate", str(spawn_rate), "--run-time", f"{work.seconds}s")
    command = (str(locust_python()), "-m", "locust", "-f", str(CLIENTS / "locustfile.py"), "--headless", *users)
    environment = {"UPLOAD_PATH": target.path, "BODY": str(work.folder / "body")}
    if work.rate:
        environment["THROUGHPUT"] = str(work.rate / work.users)
    options = ("--host", f"http://{target.netloc}", "--csv", str(table), "--stop-timeout", "5")
    run_client(work, core, (*command, *options), environment)
    *_, total = csv.DictReader(table.with_name("locust_stats.csv").read_text().splitlines())
    return {f"p{percent}": float(total[f"{percent}%"]) / 1e3 for percent in _PERCENTS}


def vegeta_percentiles(work: Work, core: int) -> Percentiles:
    targets, results = work.folder / "targets", work.folder / "vegeta.bin"
    targets.write_text(vegeta_target(work.url, work.folder / "body"))
    pace = (f"-rate={work.rate}/s", f"-duration={work.seconds}s", "-timeout=60s")
    run_client(work, core, (str(vegeta()), "attack", f"-targets={targets}", f"-output={results}", *pace))
    figures = json.loads(run_client(work, core, (str(vegeta()), "report", "-type=json", str(results))))["latencies"]
    return {f"p{percent}": figures[f"{percent}th"] / 1e9 for percent in _PERCENTS}


TOOLS: Final[dict[str, Measurement]] = {
    "loadgen": loadgen_percentiles,
    "Locust": locust_percentiles,
    "Artillery": artillery_percentiles,
    "k6": k6_percentiles,
}


def recorded_seconds(url: str) -> list[float]:
    """What the target has recorded since it was last asked, in ascending order."""
    target = urlsplit(url)
    connection = HTTPConnection(target.hostname or "", target.port, timeout=30)
    try:
        connection.request("GET", "/record", headers={"Connection": "close"})
        times = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return sorted((answered - received) / 1e9 for received, answered in times)


def nearest_rank(seconds: Sequence[float], percent: int) -> float:
    return seconds[-(-len(seconds) * percent // 100) - 1]


def measure(seconds: int) -> list[dict[str, Any]]:
    """What each client reports in both models, beside what the target recorded."""
    client_core, target_core = cores()
    measured = []
    with tempfile.TemporaryDirectory(prefix="loadtest-truth-") as name:
        folder = Path(name)
        (folder / "body").write_bytes(body(_ROWS))
        command = (sys.executable, "-m", "bench.rig.delaying_target", str(_ROWS))
        with pinned_process(command, target_core, folder / "target.log") as target:
            while not (port := (folder / "target.log").read_text().strip()):
                if target.poll() is not None:
                    raise RuntimeError("the target has ended")
            url = f"http://127.0.0.1:{port}/upload"
            for model, rate in (("closed", None), ("open", _RATE)):
                # vegeta has no users that wait for an answer.
                tools = {**TOOLS, "vegeta": vegeta_percentiles} if rate else TOOLS
                for client, measurement in tools.items():
                    reported = measurement(Work(url, folder, seconds, rate), client_core)
                    seconds_recorded = recorded_seconds(url)
                    recorded = {f"p{percent}": nearest_rank(seconds_recorded, percent) for percent in _PERCENTS}
                    figures = {"uploads": len(seconds_recorded), "reported": reported, "recorded": recorded}
                    measured.append({"model": model, "client": client, **figures})
                    print(measured[-1], file=sys.stderr, flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="how long each client loads the target")
    parser.add_argument("--write", action="store_true", help="make this measurement the one of the docs")
    options = parser.parse_args()
    about = {**conditions(), "seconds": options.seconds, "versions": versions()}
    measurement = {**about, "clients": measure(options.seconds)}
    print(f"{origin(measurement)}\n\n{times_table(measurement)}")
    if options.write:
        write_measurement("truth", measurement)


if __name__ == "__main__":
    main()
