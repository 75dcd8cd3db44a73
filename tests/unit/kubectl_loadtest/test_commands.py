"""How commands end, with a kubectl that answers the same to everything."""

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_loadtest.cli.main import main
from loadtest_model.protocol.exits import ExitStatus


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
