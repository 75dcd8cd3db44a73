"""A target that returns the nonce in its verification and stops to under load."""

from pathlib import Path

import pytest

from client_files import client, csv_file
from example_server import UPLOAD_PATH, ExampleServer, example_server
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel
from support.local_runs import assert_passed, loadgen, results_in

SHORT = ("--batch-size", 100, "--virtual-users", 2, "--duration", "1500ms", "--think-time", "20ms")


def fault(folder: Path, name: str = "loses-nonce") -> dict[str, str]:
    return {"FAULT": name, "FAULT_AFTER": "5", "FAULT_LEDGER": str(folder / "ledger")}


def target_options(server: ExampleServer) -> tuple[object, ...]:
    return ("--url", f"http://127.0.0.1:{server.port}{UPLOAD_PATH}")


def proven_options(server: ExampleServer) -> tuple[object, ...]:
    count_url = f"http://127.0.0.1:{server.port}/clients/count/"
    return ("--require", "proven", "--read-back", count_url, "--read-back-count", "count")


@pytest.mark.parametrize("level", ["echoed", "proven"])
async def test_where_the_nonce_was_asked_for_its_loss_is_a_violation(tmp_path: Path, level: str) -> None:
    with example_server(tmp_path, fault(tmp_path), "faulty_target.wsgi") as target:
        assert target.upload(csv_file([client()])).status == 200
        level_options = ("--require", "echoed") if level == "echoed" else proven_options(target)

        done = await loadgen(
            "run", "custom", *SHORT, *target_options(target), *level_options, "--out", tmp_path / "results"
        )

        summary = results_in(tmp_path / "results").summary
        assert done.returncode == 1, done.stdout + done.stderr
        assert summary.verdict is Verdict.FAILED
        assert "load_test_nonce is absent" in summary.reasons[0]
        assert summary.errors[ErrorKind.NONCE_MISSING] == summary.requests.violation >= 1
        assert summary.duration_seconds < 1.5
        assert "The nonce is not returned" in done.stdout


async def test_where_it_was_not_asked_for_the_level_is_that_of_the_whole_run(tmp_path: Path) -> None:
    with example_server(tmp_path, fault(tmp_path), "faulty_target.wsgi") as target:
        done = await loadgen("run", "custom", *SHORT, *target_options(target), "--out", tmp_path / "results")

        summary = results_in(tmp_path / "results").summary
        assert_passed(summary)
        # The full batch of the verification is the first of the five.
        assert summary.verification.unechoed == summary.requests.accepted - 4 > 0
        assert summary.verification.level is ProofLevel.ACKNOWLEDGED
        assert "Proof       Acknowledged\n" in done.stdout
        assert "did not return the nonce" in done.stdout
