"""How commands end, with a kubectl that answers the same to everything."""

import base64
import gzip
import json
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from kubectl_loadtest.cli.main import main
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL


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
