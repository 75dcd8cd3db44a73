"""How fast loadgen uploads beside Locust, Artillery and k6, and beside a bare socket.

`make bench`, or `python -m bench.uploads [--rounds N] [--seconds S] [--work NAME] [--write]` with tests and
tests/targets on PYTHONPATH. The client has one core, the target another; all clients of a work are run in turn, and of
their rounds the median counts. What arrived is counted by the target, after a warm-up. `--write` makes the measurement
the one of the docs (`bench/uploads.json`).
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.rig.clients import (
    Client,
    Work,
    artillery_client,
    barest_aiohttp_client,
    cores,
    k6_client,
    loadgen_client,
    locust_client,
    raw_socket_client,
    transport_client,
    vegeta_client,
    wrk_client,
)
from bench.rig.conditions import conditions, versions
from bench.rig.django import running_django
from bench.rig.keeping import write_measurement
from bench.rig.measuring import Run, measure
from bench.rig.rows import body, request, write_pool
from bench.rig.sink import SinkCounts, running_sink
from bench.rig.table import origin, upload_tables
from peers import PeerMissingError

_LOAD_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Row:
    """A row of work: what is uploaded, to which target, by whom."""

    name: str
    title: str
    rows: int
    clients: Callable[[Work], list[Client]]
    target: str = "sink"
    path: str = "/upload"


def _prepared_clients(work: Work) -> list[Client]:
    peers = [locust_client(work, "body"), artillery_client(work, "body"), k6_client(work, "body")]
    raw_sockets = [raw_socket_client(work), raw_socket_client(work, "fresh")]
    return [*raw_sockets, transport_client(work), *peers, vegeta_client(work), wrk_client(work)]


def _unique_clients(work: Work) -> list[Client]:
    peers = [locust_client(work, "pool"), artillery_client(work, "pool"), k6_client(work, "pool")]
    return [
        raw_socket_client(work),
        barest_aiohttp_client(work),
        loadgen_client(work),
        locust_client(work, "composer", "Locust with our records"),
        *peers,
    ]


def _django_clients(work: Work) -> list[Client]:
    return [loadgen_client(work), locust_client(work, "pool"), artillery_client(work, "pool"), k6_client(work, "pool")]


def _workbook_clients(work: Work) -> list[Client]:
    return [loadgen_client(work, "xlsx")]


ROWS: Final = (
    Row("static", "One file of 10,000 rows, prepared once", 10_000, _prepared_clients),
    Row("unique", "10,000 rows a batch, every row unique", 10_000, _unique_clients),
    Row("small", "10 rows a batch, every row unique", 10, _unique_clients),
    Row("small-static", "One file of 10 rows, prepared once", 10, _prepared_clients),
    Row("xlsx", "XLSX, 10,000 rows a batch, every row unique", 10_000, _workbook_clients, path="/rows/10000"),
    Row("django", "The Django example, 10,000 rows a batch", 10_000, _django_clients, target="django"),
)


@contextmanager
def _target(row: Row, folder: Path, core: int) -> Iterator[tuple[str, Callable[[], SinkCounts]]]:
    """The URL that is uploaded to, and what tells how much has arrived there."""
    if row.target == "django":
        with running_django(folder, core) as django:
            yield django.url, django.counts
    else:
        with running_sink(folder, core) as sink:
            yield f"http://127.0.0.1:{sink.port}{row.path}", sink.counts


def run(row: Row, rounds: int, seconds: float, report: Callable[[str], None]) -> dict[str, list[Run]]:
    """The rounds of each client of a row of work, by its name."""
    client_core, target_core = cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loadtest-bench-")))
        url, read_counts = stack.enter_context(_target(row, folder, target_core))
        form = body(row.rows)
        (folder / "body").write_bytes(form)
        (folder / "request").write_bytes(request(row.path, form))
        write_pool(folder / "pool.json")
        work = Work(url, row.rows, folder / "request", folder / "body", folder / "pool.json", _LOAD_SECONDS)
        clients = row.clients(work)
        runs: dict[str, list[Run]] = {client.name: [] for client in clients}
        for number in range(rounds):
            for client in clients:
                round_run = measure(client, client_core, read_counts, seconds, folder / "client.log")
                runs[client.name].append(round_run)
                rate = f"{round_run.records_per_second:,.0f} records/s, {round_run.uploads_per_second:,.0f} uploads/s"
                report(f"{row.name}, round {number + 1} of {rounds}, {client.name}: {rate}, busy {round_run.busy:.0%}")
        return runs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a client is measured in a round")
    parser.add_argument("--work", choices=[row.name for row in ROWS], action="append", help="only this; repeatable")
    parser.add_argument("--write", action="store_true", help="make this measurement the one of the docs")
    options = parser.parse_args(arguments)
    if options.write and options.work:
        parser.error("the docs show all work of one run, so --write does not go with --work")
    try:
        measurement: dict[str, Any] = {
            **conditions(),
            "rounds": options.rounds,
            "seconds_a_round": options.seconds,
            "versions": versions(),
            "work": {},
        }
        for row in ROWS:
            if not options.work or row.name in options.work:
                runs = run(row, options.rounds, options.seconds, lambda text: print(text, file=sys.stderr, flush=True))
                clients = {name: [asdict(each) for each in rounds] for name, rounds in runs.items()}
                measurement["work"][row.name] = {"title": row.title, "clients": clients}
    except (PeerMissingError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{origin(measurement)}\n\n{upload_tables(measurement)}")
    if options.write:
        write_measurement("uploads", measurement)
    return 0


if __name__ == "__main__":
    sys.exit(main())
