"""Exported tests, run by the tools they are written for, against the example target and faulty variants of it."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from example_server import UPLOAD_PATH, ExampleServer, example_server
from loadgen.exporting.artillery import artillery_test
from loadgen.exporting.bounds import NotExportableError
from loadgen.exporting.k6 import k6_script
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec
from peers import SILENT, PeerMissingError, artillery, k6

ROWS = 200
LOAD = {"stages": [{"duration": "0s", "virtualUsers": 1}, {"duration": "2s", "virtualUsers": 3}]}


@dataclass(frozen=True)
class Run:
    """How a tool ended, and what it wrote."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Tool:
    """A tool that runs exported tests, and what it exits with."""

    name: str
    run: Callable[[Plan, Path], Run]
    missed_exit: int
    refused_exit: int
    halted_exit: int


def run_k6(plan: Plan, folder: Path) -> Run:
    script = folder / "test.js"
    script.write_text(k6_script(plan), "utf-8")
    return _run([str(k6()), "run", "--no-usage-report", script.name], folder)


def run_artillery(plan: Plan, folder: Path) -> Run:
    test = artillery_test(plan, "processor.cjs")
    (folder / "test.yml").write_text(test.configuration, "utf-8")
    (folder / "processor.cjs").write_text(test.processor, "utf-8")
    return _run([*artillery(), "run", "test.yml"], folder)


def _run(command: list[str], folder: Path) -> Run:
    environment = {**os.environ, **SILENT}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return Run(done.returncode, done.stdout + done.stderr)


TOOLS = [
    Tool("k6", run_k6, missed_exit=99, refused_exit=108, halted_exit=108),
    Tool("artillery", run_artillery, missed_exit=1, refused_exit=3, halted_exit=143),
]


@pytest.fixture(autouse=True)
def tools() -> None:
    """Skip, saying why, where a tool cannot be had."""
    try:
        k6(), artillery()
    except PeerMissingError as missing:
        pytest.skip(str(missing))


each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@contextmanager
def faulty_server(folder: Path, faults: Mapping[str, str]) -> Iterator[ExampleServer]:
    environment = {"FAULT_LEDGER": str(folder / "ledger"), **faults}
    with example_server(folder, environment, "faulty_target.wsgi") as server:
        yield server


def plan_for(
    server: ExampleServer,
    thresholds: list[str] | None = None,
    load: Mapping[str, object] = LOAD,
    require: str = "Acknowledged",
) -> Plan:
    return make_plan(f"http://127.0.0.1:{server.port}{UPLOAD_PATH}", thresholds, load, require)


def make_plan(
    url: str, thresholds: list[str] | None, load: Mapping[str, object] = LOAD, require: str = "Acknowledged"
) -> Plan:
    document = {
        "target": {"url": url},
        "scenario": "custom",
        "load": {"batchSize": ROWS, **load},
        "thresholds": thresholds,
        "verification": {"require": require},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="tests", name="exported", uid="1"))


def uploads_logged(server: ExampleServer) -> list[tuple[bool, int]]:
    """Each upload that Django answered: whether it was a load test, and its rows."""
    uploads = re.findall(r"upload load_test=(\w+) rows=(\d+)", server.log_path.read_text())
    return [(is_marked == "true", int(rows)) for is_marked, rows in uploads]


@each_tool
def test_a_healthy_target_passes_and_stores_nothing(tool: Tool, tmp_path: Path) -> None:
    with example_server(tmp_path) as server:
        done = tool.run(plan_for(server, ["p95 < 20s", "error_rate < 1%", "records_per_second > 1"]), tmp_path)

        assert done.exit_code == 0, done.output
        assert server.count() == 0
        uploads = uploads_logged(server)
        assert all(is_marked for is_marked, _ in uploads)
        assert [rows for _, rows in uploads][:4] == [0, 1, 5, ROWS]
        assert len(uploads) > 10
        assert {rows for _, rows in uploads[4:]} == {ROWS}


@each_tool
def test_a_threshold_that_is_missed_fails_the_test(tool: Tool, tmp_path: Path) -> None:
    with example_server(tmp_path) as server:
        done = tool.run(plan_for(server, ["accepted_records >= 100000000"]), tmp_path)

        assert done.exit_code == tool.missed_exit, done.output


@each_tool
def test_a_target_that_ignores_the_header_gets_no_load(tool: Tool, tmp_path: Path) -> None:
    faults = {"FAULT": "ignores-header", "FAULT_REFUSES_EMPTY": "1"}
    with faulty_server(tmp_path, faults) as server:
        done = tool.run(plan_for(server), tmp_path)

        assert done.exit_code == tool.refused_exit, done.output
        assert "refused: canary" in done.output
        assert re.search(r"with client_id (\w{8})\w*; remove .* client_id begins with \1\w* in every row", done.output)
        assert server.count() == 1


@each_tool
def test_a_marker_that_is_lost_ends_the_test(tool: Tool, tmp_path: Path) -> None:
    with faulty_server(tmp_path, {"FAULT": "loses-marker", "FAULT_AFTER": "6"}) as server:
        done = tool.run(plan_for(server), tmp_path)

        assert done.exit_code == tool.halted_exit, done.output
        assert "violation" in done.output
        assert "may be stored" in done.output
        # What the other virtual users had under way at that moment.
        assert ROWS <= server.count() <= 3 * ROWS


@each_tool
def test_a_nonce_that_is_lost_ends_the_test_where_it_must_return(tool: Tool, tmp_path: Path) -> None:
    with faulty_server(tmp_path, {"FAULT": "loses-nonce", "FAULT_AFTER": "6"}) as server:
        done = tool.run(plan_for(server, require="Echoed"), tmp_path)

        assert done.exit_code == tool.halted_exit, done.output
        assert "load_test_nonce is not X-Load-Test-Nonce" in done.output
        assert len(uploads_logged(server)) < 20


@each_tool
def test_a_number_of_records_is_sent_to_the_last_one(tool: Tool, tmp_path: Path) -> None:
    with example_server(tmp_path) as server:
        done = tool.run(plan_for(server, load={"records": 7 * ROWS + 3, "virtualUsers": 2}), tmp_path)

        assert done.exit_code == 0, done.output
        batch_rows = [rows for _, rows in uploads_logged(server)][4:]
        assert sorted(batch_rows) == [3, *[ROWS] * 7]


@each_tool
def test_arrivals_come_at_their_rate_whatever_the_target_does(tool: Tool, tmp_path: Path) -> None:
    stages = [{"duration": "0s", "arrivalRate": 10}, {"duration": "2s", "arrivalRate": 10}]
    with example_server(tmp_path) as server:
        done = tool.run(plan_for(server, load={"stages": stages, "virtualUsers": 10}), tmp_path)

        assert done.exit_code == 0, done.output
        assert 19 <= len(uploads_logged(server)) - 4 <= 21


@pytest.mark.parametrize(
    ("thresholds", "load", "name"),
    [
        (["records_per_second > 5"], {"records": 1000}, "spec.load.records"),
        (None, {"arrivalRate": 5, "arrivals": "poisson", "duration": "2s"}, "poisson"),
    ],
)
def test_what_other_tools_have_no_words_for_is_named(
    thresholds: list[str] | None, load: Mapping[str, object], name: str
) -> None:
    with pytest.raises(NotExportableError, match=name):
        k6_script(make_plan("http://127.0.0.1:9/", thresholds, load))
