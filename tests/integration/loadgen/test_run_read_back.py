"""A local run and a verification by hand that are read back, against the Django example."""

from pathlib import Path

import pytest

from client_files import client, csv_file
from example_server import UPLOAD_PATH, ExampleServer, example_server
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import ProofLevel
from support.local_runs import assert_passed, loadgen, results_in

KNOWN = client()
SHORT = ("--batch-size", 100, "--virtual-users", 2, "--duration", "1500ms", "--think-time", "20ms")


def count_url(server: ExampleServer) -> str:
    return f"http://127.0.0.1:{server.port}/clients/count/"


def options(server: ExampleServer, *, looks_up: bool) -> tuple[object, ...]:
    """The target, and how to read what it has stored."""
    url = ("--url", f"http://127.0.0.1:{server.port}{UPLOAD_PATH}", "--require", "proven", "--read-back-count", "count")
    if not looks_up:
        return (*url, "--read-back", count_url(server))
    return (
        *url,
        "--read-back",
        f"{count_url(server)}?client_id={{client_id}}",
        "--read-back-control",
        KNOWN["client_id"],
    )


@pytest.mark.parametrize("looks_up", [False, True], ids=["count", "look-up"])
async def test_a_run_against_a_sound_target_is_proven(tmp_path: Path, looks_up: bool) -> None:
    with example_server(tmp_path) as target:
        assert target.upload(csv_file([KNOWN])).status == 200

        done = await loadgen(
            "run", "custom", *SHORT, *options(target, looks_up=looks_up), "--out", tmp_path / "results"
        )

        summary = results_in(tmp_path / "results").summary
        assert_passed(summary)
        assert summary.verification.level is ProofLevel.PROVEN, done.stdout + done.stderr
        assert "Reading back" in done.stdout
        assert "a read-back found no stored row" in done.stdout
        assert target.count() == 1


@pytest.mark.parametrize("looks_up", [False, True], ids=["count", "look-up"])
async def test_a_target_that_begins_to_lie_under_load_fails_the_run(tmp_path: Path, looks_up: bool) -> None:
    fault = {"FAULT": "lies", "FAULT_AFTER": "2", "FAULT_MIN_ROWS": "100", "FAULT_LEDGER": str(tmp_path / "ledger")}
    with example_server(tmp_path, fault, "faulty_target.wsgi") as target:
        assert target.upload(csv_file([KNOWN])).status == 200

        done = await loadgen(
            "run", "custom", *SHORT, *options(target, looks_up=looks_up), "--out", tmp_path / "results"
        )

        summary = results_in(tmp_path / "results").summary
        assert done.returncode == 1, done.stdout + done.stderr
        assert summary.verdict is Verdict.FAILED
        assert "stored" in summary.reasons[0]
        assert summary.verification.level is ProofLevel.ECHOED
        assert target.count() > 100


async def test_a_verification_by_hand_is_read_back_to_its_end(tmp_path: Path) -> None:
    with example_server(tmp_path) as target:
        assert target.upload(csv_file([KNOWN])).status == 200

        done = await loadgen("verify", *options(target, looks_up=True))

        assert done.returncode == 0, done.stdout + done.stderr
        assert "level Proven" in done.stdout
        assert "Read back" in done.stdout


async def test_an_empty_table_proves_nothing(tmp_path: Path) -> None:
    with example_server(tmp_path) as target:
        done = await loadgen("verify", *options(target, looks_up=False))

        assert done.returncode == 3
        assert "ReadBackControlFailed" in done.stdout
        assert "store one row" in done.stdout
