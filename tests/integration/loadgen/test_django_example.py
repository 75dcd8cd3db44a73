"""The generator against the Django example and its faulty variants, served by gunicorn."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from example_server import UPLOAD_PATH, ExampleServer, example_server
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.protocol.exits import PodExit
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_process, start_fleet

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("target")) as server:
        yield server


def url_of(server: ExampleServer, path: str = UPLOAD_PATH) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def verify(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "loadgen.cli.main", "verify", "--batch-size", "1000", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))


def test_verify_proves_the_example_and_prints_each_check(target: ExampleServer) -> None:
    before = target.count()

    done = verify("--url", url_of(target))

    assert done.returncode == 0, done.stderr
    for line in (
        r"ok      connect      reachable ",
        r"ok      header-only  no redirect, access granted ",
        r"ok      canary       1 row: counted right, marker true ",
        r"ok      few-rows     5 rows: counted right, marker true ",
        r"ok      full-batch   1,000 rows: body limits are wide enough ",
        r"Verified    level Echoed, at 127\.0\.0\.1:\d+",
        r"4 uploads with 1,006 rows were sent",
        r"Canary      client_id \w+",
    ):
        assert re.search(line, done.stdout), line
    assert target.count() == before == 0


def test_verify_prints_its_report_as_json(target: ExampleServer) -> None:
    report = json.loads(verify("--url", url_of(target), "--json").stdout)

    assert report["level"] == "Echoed"
    assert [check["name"] for check in report["checks"]] == [
        "connect",
        "header-only",
        "canary",
        "few-rows",
        "full-batch",
    ]
    assert report["rows"] == 1006


def test_verify_without_the_closing_slash_is_refused_with_the_reason_and_what_to_do(target: ExampleServer) -> None:
    done = verify("--url", url_of(target, UPLOAD_PATH.rstrip("/")))

    assert done.returncode == 3
    assert "Refused     TargetRedirects: " in done.stdout
    assert "To do       " in done.stdout
    assert "Write --url with its closing slash" in done.stdout


def test_verify_of_a_wrong_path_is_refused(target: ExampleServer) -> None:
    done = verify("--url", url_of(target, "/clients/import/"))

    assert done.returncode == 3
    assert "Refused     WrongURL: " in done.stdout


def test_verify_never_claims_that_no_row_was_stored(target: ExampleServer) -> None:
    done = verify("--url", url_of(target))

    assert "proven" not in done.stdout.lower()
    assert "stored" not in done.stdout.lower()


def test_verify_with_a_token_file_passes_a_guarded_target_and_without_is_refused(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(jwt.encode({"exp": time.time() + 600}, SECRET, "HS256"))
    with example_server(tmp_path, {"JWT_SECRET": SECRET}) as guarded:
        without = verify("--url", url_of(guarded))
        with_token = verify("--url", url_of(guarded), "--token-file", str(token_file))

    assert without.returncode == 3
    assert "Refused     AuthenticationFailed: " in without.stdout
    assert with_token.returncode == 0
    assert token_file.read_text() not in with_token.stdout + with_token.stderr


def test_a_target_that_ignores_the_header_stores_nothing_of_the_verification(tmp_path: Path) -> None:
    with example_server(tmp_path, {"FAULT": "ignores-header"}, "faulty_target.wsgi") as server:
        done = verify("--url", url_of(server))

        assert done.returncode == 3
        assert "Refused     LoadTestHeaderIgnored: " in done.stdout
        assert server.count() == 0


async def test_a_pod_loads_the_example_and_not_a_row_is_stored(target: ExampleServer, tmp_path: Path) -> None:
    plan = make_plan(url_of(target), batch_size=1000, virtual_users=2, duration_seconds=2.0)
    async with pod_process(plan, tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()
        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.DONE
        assert final.state is PodState.DONE
        (step,) = final.steps
        assert step.errors == {}
        assert step.total.records_confirmed == 1000 * step.total.sent > 0
        assert await asyncio.to_thread(target.count) == 0


async def test_the_example_counts_every_row_of_the_workbooks_that_a_pod_uploads(
    target: ExampleServer, tmp_path: Path
) -> None:
    plan = make_plan(
        url_of(target),
        batch_size=500,
        virtual_users=2,
        duration_seconds=2.0,
        target={"format": "xlsx"},
        require="Echoed",
    )
    async with pod_process(plan, tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()
        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.DONE
        assert final.verification is not None
        assert [check.rows for check in final.verification.checks if check.passed] == [0, 0, 1, 5, 500]
        (step,) = final.steps
        assert step.errors == {}
        assert step.total.records_confirmed == 500 * step.total.sent > 0
        assert await asyncio.to_thread(target.count) == 0


async def test_some_errors_are_counted_and_halt_nothing(tmp_path: Path) -> None:
    environment = {"FAULT": "some-errors", "FAULT_EVERY": "3", "FAULT_LEDGER": str(tmp_path / "ledger")}
    with example_server(tmp_path, environment, "faulty_target.wsgi") as server:
        plan = make_plan(url_of(server), batch_size=200, virtual_users=2, duration_seconds=2.0)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            final = await pod.until_final()
            await pod.ack(final.sequence)

            assert await pod.until_exited() == PodExit.DONE
            (step,) = final.steps
            assert step.total.is_conserved
            assert set(step.errors) == {"server_error"}
            # The verification's full-size batch was the first of the uploads of which every third fails.
            assert step.total.rejected == (step.total.sent + 1) // 3


async def test_a_target_that_loses_its_marker_in_the_middle_halts_the_pod(tmp_path: Path) -> None:
    environment = {"FAULT": "loses-marker", "FAULT_AFTER": "6", "FAULT_LEDGER": str(tmp_path / "ledger")}
    with example_server(tmp_path, environment, "faulty_target.wsgi") as server:
        plan = make_plan(url_of(server), batch_size=200, virtual_users=2, duration_seconds=60.0)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            final = await pod.until_final()
            await pod.ack(final.sequence)

            assert await pod.until_exited() == PodExit.VIOLATION
            assert final.violation is not None
            stored = await asyncio.to_thread(server.count, final.violation.first_client_id)
            assert stored == 1
            assert final.steps[0].total.is_conserved
