"""How commands end, with a kubectl that answers the same to everything."""

import base64
import gzip
import json
import webbrowser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubectl_loadtest.cli.main import main
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL
from support.operator_builders import a_measured_step, a_run_result


def answer_with(document: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every call of kubectl print one object."""
    (folder / "answer.json").write_text(json.dumps(document), encoding="utf-8")
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\nexec cat '{folder}/answer.json'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("KUBECTL", str(program))


def test_a_test_that_has_not_ended_is_not_run_again_which_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = {"name": "heavy", "namespace": "shop", "generation": 1}
    status = {"observedGeneration": 1, "phase": "Running"}
    answer_with({"metadata": metadata, "spec": {"runId": "7"}, "status": status}, tmp_path, monkeypatch)

    exit_status = main(["rerun", "heavy"])

    assert exit_status == ExitStatus.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: run 7 of heavy has not ended (Running), so it goes on and is not run again",
        "hint: `kubectl loadtest watch heavy` waits for it, `kubectl loadtest stop heavy` ends it",
    ]


def test_a_report_that_no_browser_can_open_is_saved_in_the_current_folder_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(webbrowser, "open", lambda _url: False)
    report = base64.b64encode(gzip.compress(b"<!doctype html>")).decode()
    metadata = {"name": "heavy-1", "namespace": "shop", "labels": {TEST_LABEL: "heavy", RUN_LABEL: "7"}}
    answer_with({"items": [{"metadata": metadata, "binaryData": {"report.html.gz": report}}]}, tmp_path, monkeypatch)

    exit_status = main(["report", "heavy@7", "--open"])

    output = capsys.readouterr()
    assert (exit_status, output.out) == (0, "heavy_7_report.html\n")
    assert "no browser can be opened here" in output.err
    assert (place / "heavy_7_report.html").read_bytes() == b"<!doctype html>"


def results_of_run(name: str, written_at: str, verdict: str, owner: str = "heavy") -> dict[str, Any]:
    _, run_summary = a_run_result(a_measured_step())
    summary = {**msgspec.to_builtins(run_summary), "verdict": verdict}
    metadata = {
        "name": name,
        "namespace": "shop",
        "creationTimestamp": written_at,
        "labels": {TEST_LABEL: "heavy", RUN_LABEL: "7"},
        "ownerReferences": [{"name": owner, "controller": True}],
    }
    return {"metadata": metadata, "data": {"summary.json": json.dumps(summary)}}


def test_of_several_runs_with_one_run_id_the_last_is_taken_and_the_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = results_of_run("heavy-00000001-results", "2026-03-01T10:00:00Z", "Passed")
    last = results_of_run("heavy-00000002-results", "2026-03-01T12:00:00Z", "Failed")
    others = results_of_run("heavy-00000003-results", "2026-03-01T13:00:00Z", "Inconclusive", owner="heavy-too")
    answer_with({"items": [first, last, others]}, tmp_path, monkeypatch)

    assert main(["results", "heavy@7", "--out", str(tmp_path / "out")]) == 0

    assert json.loads((tmp_path / "out" / "heavy_7_summary.json").read_text())["verdict"] == "Failed"
    assert "this is the last of them, written at 2026-03-01T12:00:00Z" in (error := capsys.readouterr().err)
    assert "the results of the others: heavy-00000001-results\n" in error


def test_results_are_never_saved_over_those_of_another_run_with_the_same_run_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    for written_at, name, verdict in (
        ("T10", "heavy-00000001-results", "Passed"),
        ("T12", "heavy-00000002-results", "Failed"),
    ):
        answer_with({"items": [results_of_run(name, f"2026-03-01{written_at}:00:00Z", verdict)]}, tmp_path, monkeypatch)
        for _ in range(2):
            assert main(["results", "heavy@7", "--out", str(folder)]) == 0

    verdicts = {path.name: json.loads(path.read_text())["verdict"] for path in folder.iterdir()}
    assert verdicts == {"heavy_7_summary.json": "Passed", "heavy-00000002-results_summary.json": "Failed"}


@pytest.mark.parametrize("reference", ["heavy@7", "heavy-00000001-results"])
def test_a_run_is_described_by_its_results(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config_map = results_of_run("heavy-00000001-results", "2026-03-01T12:00:00Z", "Failed")
    answer_with({**config_map, "items": [config_map]}, tmp_path, monkeypatch)

    assert main(["describe", reference]) == 0

    output = capsys.readouterr().out
    assert "Test        shop/" in output
    assert "Verdict     Failed" in output
    assert "Results     ConfigMap shop/heavy-00000001-results" in output


def test_results_that_are_of_another_run_than_the_status_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    completed = {"type": "Completed", "status": "True", "observedGeneration": 1}
    status = {"runId": "8", "conditions": [completed], "results": {"configMap": "heavy-00000001-results"}}
    config_map = results_of_run("heavy-00000001-results", "2026-03-01T12:00:00Z", "Passed")
    config_map["metadata"] |= {"uid": "uid-1", "generation": 1}
    answer_with({**config_map, "spec": {"runId": "8"}, "status": status}, tmp_path, monkeypatch)

    assert main(["results", "heavy", "--out", str(tmp_path / "out")]) == 1

    assert "is not the results of run 8" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
